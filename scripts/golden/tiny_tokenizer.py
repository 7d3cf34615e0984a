"""Write trainer/testdata/tiny-tokenizer: the tokenizer that the interop checks give the tiny models, so that tests of
whole runs can use them too."""
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "scripts/interop"))

from check_step import tokenizer  # noqa: E402

if __name__ == "__main__":
    tokenizer().save_pretrained(os.path.join(ROOT, "trainer/testdata/tiny-tokenizer"))
