import os
import requests

LIMIT = 256  # the GRPOConfig's max_completion_length


def rlkd_reward(problem, answer, generation, completions, completion_ids, **_):
    """A reward function for TRL. A reward that cannot be known is None, which TRL leaves out, and never 0."""
    columns = zip(problem, answer, generation, completions, completion_ids)
    rows = [dict(problem=p, answer=a, generation=g, completion=c if isinstance(c, str) else c[-1]["content"], cut=len(ids) >= LIMIT)
            for p, a, g, c, ids in columns]
    reply = requests.post(os.environ["RLKD_URL"] + "/score", json={"rows": rows}, timeout=300,
                          headers={"Authorization": "Bearer " + os.environ.get("RLKD_TOKEN", "")})
    reply.raise_for_status()
    return [row["reward"] for row in reply.json()["rows"]]
