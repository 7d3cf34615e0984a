"""A GRPO step in plain PyTorch (TRL's formulas), one sequence after the other: no padding, no micro-batches."""
import copy

import torch

STD_FLOOR = 1e-4


def advantages(rollouts, scale):
    rewards = torch.tensor([r["reward"] for r in rollouts], dtype=torch.float64)
    groups = torch.tensor([r["group"] for r in rollouts])
    out = torch.zeros_like(rewards)
    for group in groups.unique():
        members = groups == group
        spread = {"group": rewards[members].std(), "batch": rewards.std()}.get(scale)
        out[members] = rewards[members] - rewards[members].mean()
        if spread is not None:
            out[members] /= spread + STD_FLOOR
    return out.tolist()


def log_probs(model, rollout, temperature):
    """Log-probabilities [completion] of a rollout's completion tokens."""
    prompt, completion = rollout["prompt_ids"], rollout["completion_ids"]
    logits = model(input_ids=torch.tensor([prompt + completion]), use_cache=False).logits[0, len(prompt) - 1:-1]
    return (logits / temperature).log_softmax(-1).gather(1, torch.tensor(completion)[:, None])[:, 0]


def shares(rollouts, counted, config):
    """The factor of each rollout's token losses."""
    n, tokens = len(rollouts), sum(len(r["completion_ids"]) for r, c in zip(rollouts, counted) if c)
    return [{"grpo": 1 / (n * len(r["completion_ids"])), "bnpo": 1 / tokens, "dapo": 1 / tokens,
             "dr_grpo": 1 / (n * config["max_completion_length"])}[config["loss_type"]] for r in rollouts]


def step(model, rollouts, config):
    """Update model num_iterations times; what `rlkd step` prints for each update."""
    temperature, beta = config["temperature"], config["beta"]
    low, high = 1 - config["epsilon"], 1 + config["epsilon_high"]
    gains = advantages(rollouts, config["scale_rewards"])
    # As in TRL, what is not masked counts in every mean, also a completion without advantage.
    counted = [r["finished"] or not config["mask_truncated_completions"] for r in rollouts]
    share = shares(rollouts, counted, config)
    used = [i for i, c in enumerate(counted) if c]
    with torch.no_grad():
        start = copy.deepcopy(model)
        old = {i: log_probs(start, rollouts[i], temperature) for i in used}
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"],
        betas=(config["adam_beta1"], config["adam_beta2"]), eps=config["adam_epsilon"])
    updates = []
    for update in range(config["num_iterations"]):
        optimizer.zero_grad()
        total = kl = clipped = tokens = 0
        for i in used:
            now = log_probs(model, rollouts[i], temperature)
            ratio, a = (now - old[i]).exp(), gains[i]
            # The reference model is the start, which also sampled: old serves for both.
            k3 = (old[i] - now).exp() - (old[i] - now) - 1
            loss = (-torch.min(ratio * a, ratio.clamp(low, high) * a) + beta * k3).sum() * share[i]
            loss.backward()
            total, kl, tokens = total + loss.item(), kl + k3.sum().item(), tokens + len(now)
            clipped += ((ratio < low) if a < 0 else (ratio > high)).sum().item() if a else 0
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config["max_grad_norm"] or torch.inf).item()
        optimizer.step()
        updates.append({"update": update + 1, "loss": total, "kl": kl / tokens, "clip_ratio": clipped / tokens,
                        "grad_norm": norm, "tokens": tokens})
    return updates
