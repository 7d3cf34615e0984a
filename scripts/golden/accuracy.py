"""Writes the verdicts of math-verify on generated answers: reward/verify/testdata/golden.json.

    pip install -r scripts/golden/accuracy-requirements.txt
    python scripts/golden/accuracy.py --seed 1 --count 600 --out reward/verify/testdata/golden.json

math-verify is called as the released RLKD code does (open_r1/rewards.py, accuracy_reward_open_math), with two
departures of this project: of several \\boxed{} only the last counts, and a gold that parses to no expression has the
accuracy null unless the completion repeats it.
"""

import argparse
import json
import logging
import random
import warnings
from fractions import Fraction

from latex2sympy2_extended import NormalizationConfig
from math_verify import LatexExtractionConfig, parse, verify

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")

COMPLETION = [
    LatexExtractionConfig(
        normalization_config=NormalizationConfig(
            nits=False, malformed_operators=False, basic_latex=True, equations=True, boxed="all", units=True
        ),
        boxed_match_priority=0,
        try_extract_without_anchor=False,
    )
]


def accuracy(answer, completion):
    gold = parse("$" + answer + "$", extraction_mode="first_match")
    if completion.count("\\boxed") > 1 and "\\boxed{\\boxed" not in completion:
        completion = completion[completion.rindex("\\boxed") :]
    got = parse(completion, extraction_config=COMPLETION, extraction_mode="first_match")
    value = float(verify(gold, got)) if gold else None
    if value == 0.0 and all(isinstance(g, str) for g in gold):
        return None
    return value


def integers(r):
    n = r.choice([r.randint(-20, 20), r.randint(100, 99999), r.randint(10**6, 10**9)])
    comma = f"{n:,}"
    return str(n), [str(n), comma, f"{n}.0", f"+{n}", str(-n), str(n + 1), f"{n}.", f"\\${n}", comma.replace(",", "{,}"),
                    comma.replace(",", "\\,"), comma.replace(",", " "), f"{n}.00", f"0{abs(n)}", f"x = {n}", f"({n})",
                    f"{n}^\\circ", f"{n}\\text{{ cm}}", f"{n} cm", f"{n}\\%", f"{n} percent", f"\\text{{{n}}}", f"{n}!",
                    f"\\mathbf{{{n}}}", f"{n} \\text{{ apples}}", f"{n}\\ \\text{{km}}/\\text{{h}}", f"{n}\\text{{ m}}^2"]


def grouped(r):
    n = r.randint(1000, 9999999)
    g, c = f"{n:,}", f"{n}"
    return r.choice([g, c]), [g, c, g.replace(",", "{,}"), f"\\${g}", f"{g}.00", g[::-1], f"{g} dollars", f"\\text{{{g}}}"]


def decimals(r):
    d = r.choice([r.randint(1, 999) / 100, r.randint(1, 99999) / 1000, -r.randint(1, 99) / 10])
    f = Fraction(str(d))
    return str(d), [str(d), f"{d}0", f"\\frac{{{f.numerator}}}{{{f.denominator}}}", str(round(d + 0.01, 3)), f"{d * 100:g}\\%",
                    str(d).replace("0.", "."), str(d).replace(".", ","), f"{f.numerator}/{f.denominator}", f"{d:.6f}1", f"{d + 1e-7:.8f}",
                    f"\\approx {d}", f"x \\approx {d}", f"{d}\\ldots", f"{d} \\text{{ m}}", f"{d}E0"]


def percentages(r):
    p = r.choice([r.randint(1, 200), r.randint(1, 999) / 10])
    gold = r.choice([f"{p}\\%", f"{p}", f"{p / 100:g}"])
    return gold, [f"{p}\\%", f"{p}%", f"{p}", f"{p / 100:g}", f"{p} \\%", f"\\frac{{{p}}}{{100}}", f"{p}\\text{{ percent}}", f"{p} percent", f"{p + 1}\\%"]


def fractions(r):
    a, b = r.randint(1, 30), r.randint(2, 20)
    s = r.choice(["", "-"])
    gold = f"{s}\\frac{{{a}}}{{{b}}}"
    k = r.randint(2, 9)
    return gold, [gold, f"{s}\\dfrac{{{a}}}{{{b}}}", f"{s}{a}/{b}", f"\\frac{{{s}{a}}}{{{b}}}", f"{s}\\frac{{{a * k}}}{{{b * k}}}",
                  f"{s}{a / b}", f"{s}{a / b:.2f}", f"{s}{a}:{b}", f"\\frac{{{a}}}{{{s}{b}}}", f"{s}\\frac{a}{b}", f"{s}{a}\\div {b}",
                  f"{s}{a} \\cdot \\frac{{1}}{{{b}}}", f"{s}{a} \\cdot {b}^{{-1}}", f"\\frac{{{b}}}{{{a}}}", f"{s}{{{a} \\over {b}}}",
                  f"\\left({s}\\frac{{{a}}}{{{b}}}\\right)", f"{s}\\tfrac{{{a}}}{{{b}}}", f"\\frac {{{a}}} {{{b}}}", f"{s}{a / b:.7f}"]


def mixed(r):
    w, b = r.randint(1, 20), r.randint(2, 15)
    a = r.randint(1, b - 1)
    s = r.choice(["", "", "-"])
    gold = f"{s}{w}\\frac{{{a}}}{{{b}}}"
    n = w * b + a
    return gold, [gold, f"{s}\\frac{{{n}}}{{{b}}}", f"{s}{n / b}", f"{s}{w} \\frac{{{a}}}{{{b}}}", f"{s}{w} {a}/{b}", f"{s}{w}+\\frac{{{a}}}{{{b}}}",
                  f"{s}{w}", f"{s}{w}\\tfrac{{{a}}}{{{b}}}", f"{s}{w}\\cdot\\frac{{{a}}}{{{b}}}", f"{s}{n}/{b}"]


def roots(r):
    a, b = r.randint(2, 12), r.choice([2, 3, 5, 6, 7, 10, 13, 15])
    gold = r.choice([f"{a}\\sqrt{{{b}}}", f"\\sqrt{{{a * a * b}}}", f"\\sqrt{{{b}}}"])
    return gold, [f"{a}\\sqrt{{{b}}}", f"\\sqrt{{{a * a * b}}}", f"{a} \\cdot \\sqrt{{{b}}}", f"\\sqrt{{{b}}}", f"\\sqrt{b}", f"{a}\\sqrt{{{b + 1}}}",
                  f"{b}^{{1/2}}", f"{b}^{{0.5}}", f"\\frac{{{b}}}{{\\sqrt{{{b}}}}}", f"{(a * a * b) ** 0.5}", f"\\sqrt[2]{{{b}}}",
                  f"\\sqrt[4]{{{b * b}}}", f"{a} \\times \\sqrt{{{b}}}", f"\\sqrt{{{a * a}}}\\sqrt{{{b}}}", f"sqrt({b})", f"-\\sqrt{{{b}}}"]


def surds(r):
    a, b, c = r.randint(1, 9), r.choice([2, 3, 5, 7]), r.randint(2, 5)
    gold = f"\\frac{{{a}+\\sqrt{{{b}}}}}{{{c}}}"
    return gold, [gold, f"\\frac{{\\sqrt{{{b}}}+{a}}}{{{c}}}", f"\\frac{{{a}}}{{{c}}}+\\frac{{\\sqrt{{{b}}}}}{{{c}}}", f"({a}+\\sqrt{{{b}}})/{c}",
                  f"\\frac{{{a}-\\sqrt{{{b}}}}}{{{c}}}", f"\\frac{{{a}\\pm\\sqrt{{{b}}}}}{{{c}}}", f"\\frac{{1}}{{{c}}}({a}+\\sqrt{{{b}}})",
                  f"\\frac{{{a * a - b}}}{{{c}({a}-\\sqrt{{{b}}})}}", f"{(a + b ** 0.5) / c:.6f}"]


def powers(r):
    a, b = r.randint(2, 9), r.randint(2, 8)
    gold = r.choice([f"{a}^{{{b}}}", str(a**b), f"{a}^{b}"])
    return gold, [f"{a}^{{{b}}}", f"{a}^{b}", str(a**b), f"{a}^{{{b - 1}}} \\cdot {a}", f"{a}^{{{b}+1}}", f"{a}**{b}", f"{a ** b:,}", f"({a})^{b}",
                  f"{a}^{{{b - 1}+1}}", f"\\frac{{1}}{{{a}^{{-{b}}}}}", f"{a}^{{{2 * b}/2}}", f"{a}\\times" + f"\\times".join([str(a)] * (b - 1)), f"{b}^{a}"]


def constants(r):
    a, b = r.randint(2, 30), r.randint(2, 9)
    pi = 3.141592653589793
    return r.choice([
        (f"{a}\\pi", [f"{a}\\pi", f"{a}\\cdot\\pi", f"\\pi {a}", f"{a * pi:.6f}", f"{a * pi:.2f}", f"{a} \\pi \\text{{ cm}}^2", f"{a}π", f"{a}pi", f"{a + 1}\\pi", f"{a}\\pi^2"]),
        (f"\\frac{{{a}\\pi}}{{{b}}}", [f"\\frac{{{a}}}{{{b}}}\\pi", f"{a}\\pi/{b}", f"\\frac{{{a}}}{{{b}}} \\cdot \\pi", f"\\frac{{\\pi \\cdot {a}}}{{{b}}}", f"\\frac{{{a}}}{{{b}\\pi}}"]),
        (f"e^{{{b}}}", [f"e^{b}", f"\\exp({b})", f"e \\cdot e^{{{b - 1}}}", f"{b}e", f"\\frac{{1}}{{e^{{-{b}}}}}", f"{2.718281828459045 ** b:.6f}"]),
        (f"{a}e", [f"{a}e", f"{a} \\cdot e", f"e{a}", f"{a * 2.718281828459045:.8f}"]),
        (f"{a}-\\pi", [f"-\\pi+{a}", f"{a}-\\pi", f"\\pi-{a}", f"{a - pi:.10f}"])])


def logs(r):
    b, k = r.choice([2, 3, 5, 10]), r.randint(1, 6)
    a, c = r.randint(2, 9), r.randint(2, 9)
    return r.choice([
        (f"\\log_{{{b}}} {b ** k}", [str(k), f"\\log_{b} {b ** k}", f"\\log_{{{b}}}({b ** k})", f"\\frac{{\\ln {b ** k}}}{{\\ln {b}}}", f"{k}\\log_{{{b}}} {b}", str(k + 1)]),
        (f"\\ln {a * c}", [f"\\ln({a * c})", f"\\ln {a} + \\ln {c}", f"\\log {a * c}", f"\\ln({a}) + \\ln({c})", f"\\ln {a} \\cdot {c}", f"\\log_e {a * c}", f"\\ln{{{a * c}}}"]),
        (f"\\log_{{{b}}} {a}", [f"\\frac{{\\log {a}}}{{\\log {b}}}", f"\\log_{b} {a}", f"\\frac{{1}}{{\\log_{{{a}}} {b}}}", f"\\log_{{{a}}} {b}"]),
        (str(k), [f"\\log_{{{b}}} {b ** k}", f"\\lg {10 ** k}", f"\\log {10 ** k}", f"\\ln e^{k}", f"\\ln e^{{{k}}}"])])


def trig(r):
    d = r.choice([3, 4, 6])
    sin = {3: "\\frac{\\sqrt{3}}{2}", 4: "\\frac{\\sqrt{2}}{2}", 6: "\\frac{1}{2}"}[d]
    return r.choice([
        (sin, [f"\\sin \\frac{{\\pi}}{{{d}}}", f"\\sin(\\pi/{d})", f"\\cos \\frac{{\\pi}}{{{d}}}", f"\\cos(\\frac{{\\pi}}{{2}}-\\frac{{\\pi}}{{{d}}})", sin.replace("frac", "dfrac"), f"\\sin {180 // d}^\\circ"]),
        ("\\frac{\\pi}{4}", ["\\arctan 1", "\\arctan(1)", "\\tan^{-1}(1)", "45^\\circ", "\\pi/4", "\\arcsin \\frac{\\sqrt{2}}{2}", "0.785398", "\\frac{1}{4}\\pi"]),
        ("\\sin 2x", ["2\\sin x\\cos x", "2\\sin x \\cdot \\cos x", "\\sin(2x)", "2 \\sin(x) \\cos(x)", "\\sin^2 x", "\\sin x \\cos x"]),
        ("1", ["\\sin^2 x+\\cos^2 x", "\\sin^2(x) + \\cos^2(x)", "\\tan \\frac{\\pi}{4}", "\\tan 45^\\circ", "\\sec^2 x-\\tan^2 x"]),
        (f"\\cos {d}", [f"\\cos({d})", f"\\cos {d}", f"\\sin {d}", f"\\cos -{d}", f"\\cos(-{d})"]),
        ("\\arccos \\frac{1}{3}", ["\\arccos\\left(\\frac{1}{3}\\right)", "\\cos^{-1}\\frac{1}{3}", "\\cos^{-1}(1/3)", "1.230959", "\\arcsin\\frac{1}{3}"])])


def combinatorics(r):
    n = r.randint(3, 12)
    k = r.randint(1, n - 1)
    import math
    return r.choice([
        (f"{n}!", [str(math.factorial(n)), f"{n}!", f"{n} \\cdot {n - 1}!", f"{n - 1}!", f"\\frac{{{n + 1}!}}{{{n + 1}}}", f"{math.factorial(n):,}", f"{n} !"]),
        (f"\\binom{{{n}}}{{{k}}}", [str(math.comb(n, k)), f"\\binom{{{n}}}{{{n - k}}}", f"\\dbinom{{{n}}}{{{k}}}", f"{{{n} \\choose {k}}}", f"\\frac{{{n}!}}{{{k}!{n - k}!}}", f"\\frac{{{n}!}}{{{k}! \\cdot {n - k}!}}", f"C_{{{n}}}^{{{k}}}", f"\\binom{n}{k}"]),
        (f"\\frac{{1}}{{\\binom{{{n}}}{{{k}}}}}", [f"\\frac{{1}}{{{math.comb(n, k)}}}", f"1/{math.comb(n, k)}", f"{1 / math.comb(n, k):.6f}"])])


def matrices(r):
    a, b, c, d = (r.randint(-9, 9) for _ in range(4))
    m = lambda t, a, b, c, d: f"\\begin{{{t}}} {a} & {b} \\\\ {c} & {d} \\end{{{t}}}"
    gold = m("pmatrix", a, b, c, d)
    v = f"\\begin{{pmatrix}} {a} \\\\ {b} \\end{{pmatrix}}"
    return r.choice([
        (gold, [gold, m("bmatrix", a, b, c, d), m("pmatrix", a, c, b, d), m("pmatrix", f"{a}.0", b, c, d), f"2" + m("pmatrix", f"\\frac{{{a}}}{{2}}", f"\\frac{{{b}}}{{2}}", f"\\frac{{{c}}}{{2}}", f"\\frac{{{d}}}{{2}}"), f"\\left[\\begin{{matrix}}{a}&{b}\\\\{c}&{d}\\end{{matrix}}\\right]", f"\\left(\\begin{{array}}{{cc}}{a}&{b}\\\\{c}&{d}\\end{{array}}\\right)"]),
        (v, [v, v.replace("pmatrix", "bmatrix"), f"({a}, {b})", f"\\begin{{pmatrix}} {a} & {b} \\end{{pmatrix}}", f"\\begin{{pmatrix}} {b} \\\\ {a} \\end{{pmatrix}}", v.replace("\\\\", "\\\\[2mm]")]),
        (str(a * d - b * c), [m("vmatrix", a, b, c, d), f"\\det{gold}", f"{a * d - b * c}"])])


def intervals(r):
    a = r.randint(-9, 9)
    b = a + r.randint(1, 9)
    return r.choice([
        (f"[{a}, {b})", [f"[{a},{b})", f"\\left[{a}, {b}\\right)", f"[{a}, {b}]", f"({a}, {b})", f"{a} \\le x < {b}", f"x \\in [{a}, {b})", f"[{a}.0, {b})", f"[{a}, {b + 1})"]),
        (f"({a}, {b})", [f"({a},{b})", f"{a}, {b}", f"{a} < x < {b}", f"x\\in({a},{b})", f"[{a},{b}]", f"\\left({a},{b}\\right)", f"(x,y) = ({a},{b})", f"({b},{a})", f"\\{{{a},{b}\\}}"]),
        (f"(-\\infty, {a}) \\cup ({b}, \\infty)", [f"(-\\infty,{a})\\cup({b},\\infty)", f"({b},\\infty)\\cup(-\\infty,{a})", f"(-\\infty, {a}] \\cup [{b}, \\infty)", f"x \\in (-\\infty,{a})\\cup({b},+\\infty)", f"(-\\infty,{a})\\cup({b},+\\infty)", f"x < {a} \\text{{ or }} x > {b}", f"\\mathbb{{R}} \\setminus [{a},{b}]", f"\\left(-\\infty,{a}\\right)\\cup\\left({b},\\infty\\right)", f"(-\\infty,{a}) \\cup ({b},{b + 1}] \\cup ({b + 1},\\infty)"]),
        (f"[{a}, \\infty)", [f"[{a},+\\infty)", f"x \\ge {a}", f"x \\geq {a}", f"({a}, \\infty)", f"[{a}, \\infty]", f"[{a},{b}]\\cup[{b},\\infty)"]),
        (f"\\left[\\frac{{{a}}}{{2}}, {b}\\right]", [f"[{a / 2}, {b}]", f"[\\frac{{{a}}}{{2}},{b}]", f"[{a}/2, {b}]", f"\\frac{{{a}}}{{2}} \\le x \\le {b}"])])


def sets(r):
    xs = r.sample(range(-20, 40), r.randint(2, 4))
    j = ", ".join(map(str, xs))
    sh = xs[:]
    r.shuffle(sh)
    k = ", ".join(map(str, sh))
    return r.choice([f"\\{{{j}\\}}", j]), [f"\\{{{j}\\}}", f"\\{{{k}\\}}", j, k, f"({j})", " \\text{ and } ".join(map(str, xs)), " \\text{ or } ".join(f"x = {x}" for x in xs),
                                          ", ".join(f"x={x}" for x in xs), f"x = {j}", f"x \\in \\{{{j}\\}}", f"\\{{{xs[0]}\\}}", f"\\{{{j}, {xs[0]}\\}}", f"\\left\\{{{k}\\right\\}}", f"{xs[0]} and {xs[1]}", "; ".join(map(str, xs)), f"\\{{{xs[0]}\\}}\\cup\\{{{', '.join(map(str, xs[1:]))}\\}}"]


def points(r):
    a, b, c = (r.randint(-15, 15) for _ in range(3))
    return r.choice([
        (f"({a}, {b})", [f"({a},{b})", f"\\left({a}, {b}\\right)", f"({b}, {a})", f"{a}, {b}", f"(x, y) = ({a}, {b})", f"x = {a}, y = {b}", f"({a}.0, {b})", f"[{a}, {b}]", f"\\langle {a}, {b} \\rangle", f"P({a}, {b})", f"\\{{{a}, {b}\\}}", f"x={a} \\text{{ and }} y={b}"]),
        (f"({a}, {b}, {c})", [f"({a},{b},{c})", f"{a},{b},{c}", f"({c},{b},{a})", f"\\left({a},{b},{c}\\right)", f"({a},{b})", f"(x,y,z)=({a},{b},{c})", f"\\{{{a},{b},{c}\\}}", f"({a}, {b}, \\frac{{{2 * c}}}{{2}})"]),
        (f"(0, {a}), ({b}, 0)", [f"(0,{a}), ({b},0)", f"({b},0),(0,{a})", f"(0,{a}) \\text{{ and }} ({b},0)", f"\\{{(0,{a}),({b},0)\\}}"])])


def equations(r):
    a, b, v = r.randint(2, 9), r.randint(1, 9), r.choice("xyznt")
    return r.choice([
        (f"{v}={a}", [f"{v} = {a}", f"{a}", f"{a} = {v}", f"q={a}", f"{v} = {a + b}-{b}", f"{v}={a}.0", f"{v} = \\frac{{{2 * a}}}{{2}} = {a}", f"{2}{v}={2 * a}", f"{v}=-{a}", f"{v.upper()}={a}", f"{v}_1={a}"]),
        (f"y={a}x+{b}", [f"y = {b}+{a}x", f"{a}x+{b}", f"y-{b}={a}x", f"{a}x-y+{b}=0", f"2y={2 * a}x+{2 * b}", f"y={a}x-{b}", f"x=\\frac{{y-{b}}}{{{a}}}", f"f(x)={a}x+{b}", f"y = {a}(x+\\frac{{{b}}}{{{a}}})"]),
        (f"x^2+y^2={a * a}", [f"x^2+y^2={a}^2", f"y^2+x^2={a * a}", f"x^2+y^2-{a * a}=0", f"2x^2+2y^2={2 * a * a}", f"x^{{2}} + y^{{2}} = {a * a}", f"x^2+y^2={a}", f"{a * a} = x^2+y^2"]),
        (f"\\frac{{x^2}}{{{a * a}}}+\\frac{{y^2}}{{{b * b + 1}}}=1", [f"\\frac{{x^{{2}}}}{{{a * a}}} + \\frac{{y^{{2}}}}{{{b * b + 1}}} = 1", f"{b * b + 1}x^2+{a * a}y^2={a * a * (b * b + 1)}", f"\\frac{{y^2}}{{{b * b + 1}}}+\\frac{{x^2}}{{{a * a}}}=1"]),
        (str(a + b), [f"{a}+{b}={a + b}", f"x={a}+{b}={a + b}", f"{a}+{b}", f"x = {a + b}", f"{a + b} = x", f"S = {a} + {b}", f"a = {a + b}, b = {b}"]),
        (f"f(x)={a}x", [f"f(x) = {a}x", f"{a}x", f"f(x)={a} \\cdot x", f"g(x)={a}x", f"f(y)={a}y", f"y={a}x"])])


def inequalities(r):
    a, b = r.randint(-9, 9), r.randint(10, 20)
    return r.choice([
        (f"x > {a}", [f"x>{a}", f"{a} < x", f"x \\ge {a}", f"x < {a}", f"({a}, \\infty)", f"2x > {2 * a}", f"x-{b}>{a - b}", f"y>{a}", f"x \\gt {a}", f"{a}"]),
        (f"x \\leq {a}", [f"x \\le {a}", f"x <= {a}", f"{a} \\geq x", f"(-\\infty, {a}]", f"x \\leqslant {a}", f"x≤{a}", f"(-\\infty, {a})"]),
        (f"{a} \\le x < {b}", [f"{a} \\leq x < {b}", f"[{a}, {b})", f"{b} > x \\ge {a}", f"{a} < x < {b}", f"x \\in [{a},{b})", f"x \\ge {a}, x < {b}", f"{a} \\le y < {b}"]),
        (f"x \\neq {a}", [f"x \\ne {a}", f"x \\neq {a}", f"{a} \\neq x", f"x = {a}", f"(-\\infty,{a})\\cup({a},\\infty)", f"x != {a}"]),
        (f"|x| < {b}", [f"|x|<{b}", f"-{b} < x < {b}", f"\\left|x\\right| < {b}", f"(-{b},{b})", f"|x| \\le {b}"]),
        (f"x < {a} \\text{{ or }} x > {b}", [f"x<{a} \\text{{ or }} x>{b}", f"x<{a}, x>{b}", f"x>{b} \\text{{ or }} x<{a}", f"(-\\infty,{a})\\cup({b},\\infty)", f"x<{a}"])])


def choices(r):
    c = r.choice("ABCDE")
    o = r.choice("ABCDE")
    gold = r.choice([c, f"\\text{{({c})}}", f"\\textbf{{({c})}}", f"\\text{{{c}}}", f"({c})", f"\\mathrm{{{c}}}"])
    return gold, [x.replace("Q", r.choice([c, c, o])) for x in ["Q", "(Q)", "\\text{Q}", "\\text{(Q)}", "\\textbf{(Q)}", "\\textbf{Q}", "Q.", "\\mathrm{Q}", "\\mathbf{Q}", "\\text{Q. }5", "\\textbf{(Q)}\\ 12", "q", "\\text{Option Q}", "Q, B", "\\mathrm{(Q)}"]]


def texts(r):
    w = r.choice(["yes", "no solution", "Tuesday", "odd", "true", "blue", "undefined", "even", "Evelyn", "decreasing", "the circle", "north", "triangle", "none", "Impossible"])
    gold = r.choice([w, f"\\text{{{w}}}", f"\\mathrm{{{w}}}"])
    return gold, [f"\\text{{{w}}}", w, w.upper(), w.capitalize(), f"\\text{{{w.capitalize()}}}", f"\\text{{ {w} }}", f"\\textbf{{{w}}}", "\\text{maybe}", "\\text{" + w + ".}", f"\\text{{the answer is {w}}}", f"\\textit{{{w}}}"]


def units(r):
    n = r.choice([r.randint(1, 500), r.randint(1, 99) / 4])
    gold = r.choice([f"{n}", f"{n}\\text{{ cm}}", f"{n} \\mathrm{{~km}}", f"\\${n}", f"{n}^\\circ"])
    return gold, [f"{n}", f"{n}\\text{{ cm}}", f"{n}\\,\\text{{cm}}", f"{n} \\mathrm{{~km}}", f"{n}~\\text{{km}}", f"{n}\\text{{ square meters}}", f"{n}\\text{{ cm}}^3", f"{n}\\text{{ m/s}}", f"\\${n}", f"{n}\\text{{ dollars}}",
                  f"{n}°", f"{n}^\\circ", f"{n}^{{\\circ}}", f"{n}^{{\\circ}}C", f"{n} inches", f"{n} hours", f"{n}cm", f"{n}\\mbox{{ kg}}", f"{n} \\text{{ units}}^2", f"{n}\\$", f"${n}", f"{n} degrees", f"{n} \\mathrm{{ cm}}^{{2}}", f"{n}\\text{{ cm}}^{{2}}", f"{n} mi", f"{n}\\text{{ m}} \\times 2"]


def scientific(r):
    a, k = r.choice([r.randint(1, 9), r.randint(11, 99) / 10]), r.randint(2, 9)
    v = f"{Fraction(str(a)) * 10**k}"
    gold = r.choice([f"{a} \\times 10^{{{k}}}", v])
    return gold, [f"{a} \\times 10^{{{k}}}", f"{a} \\times 10^{k}", f"{a}\\cdot10^{{{k}}}", v, f"{a}e{k}", f"{a}E{k}", f"{a}*10^{{{k}}}", f"{a} × 10^{{{k}}}", f"{a} \\times 10^{{{k + 1}}}", f"{int(v):,}", f"{a}\\times10^{{-{k}}}", f"10^{{{k}}} \\times {a}", f"{v}.0"]


def infinities(r):
    return r.choice(["\\infty", "+\\infty", "-\\infty"]), ["\\infty", "-\\infty", "+\\infty", "infinity", "\\text{infinity}", "inf", "\\frac{1}{0}", "1000000", "∞"]


def complexes(r):
    a, b = r.randint(1, 9), r.randint(2, 9)
    return r.choice([
        (f"{a}+{b}i", [f"{a}+{b}i", f"{b}i+{a}", f"{a} + {b} i", f"{a}-{b}i", f"{a}+i{b}", f"{a} + {b}\\cdot i", f"{a}+{b}\\mathrm{{i}}", f"({a}+{b}i)", f"{a}+{b}I", f"{a}.0+{b}i", f"-(-{a}-{b}i)"]),
        (f"{b}i", [f"{b}i", f"i{b}", f"{b} \\cdot i", f"\\sqrt{{-{b * b}}}", f"-{b}i", f"{b}"]),
        ("-1", ["i^2", "i \\cdot i", "-1", "e^{i\\pi}", "I \\cdot I"]),
        (f"\\frac{{{a}}}{{2}}+\\frac{{{b}}}{{2}}i", [f"\\frac{{{a}+{b}i}}{{2}}", f"\\frac{{{a}}}{{2}}+\\frac{{{b}i}}{{2}}", f"{a / 2}+{b / 2}i", f"({a}+{b}i)/2"])])


def symbolic(r):
    a, b, n = r.randint(2, 9), r.randint(1, 9), r.randint(2, 4)
    return r.choice([
        (f"x^2+{a + b}x+{a * b}", [f"(x+{a})(x+{b})", f"x^{{2}}+{a + b}x+{a * b}", f"{a * b}+{a + b}x+x^2", f"x(x+{a + b})+{a * b}", f"x^2+{a + b}x", f"(x+{b}) \\cdot (x+{a})", f"y^2+{a + b}y+{a * b}", f"X^2+{a + b}X+{a * b}"]),
        (f"{a}x^{n}", [f"{a}x^{{{n}}}", f"{a} \\cdot x^{n}", f"x^{n} {a}", f"{a}x^{n + 1}", f"\\frac{{{2 * a}x^{{{n + 1}}}}}{{2x}}", f"{a}y^{n}"]),
        (f"\\frac{{{a}}}{{x+{b}}}", [f"{a}/(x+{b})", f"\\frac{{{2 * a}}}{{2x+{2 * b}}}", f"{a}(x+{b})^{{-1}}", f"\\dfrac{{{a}}}{{{b}+x}}", f"\\frac{{{a}}}{{x}}+{b}"]),
        (f"\\frac{{n(n+1)}}{{2}}", ["\\frac{n^2+n}{2}", "n(n+1)/2", "\\frac{1}{2}n(n+1)", "\\binom{n+1}{2}", "\\frac{n(n-1)}{2}", "\\frac{n\\cdot(n+1)}{2}", "\\frac{n}{2}(n+1)"]),
        (f"a^{n}b", [f"ba^{n}", f"a^{{{n}}} \\cdot b", f"a^{n} b", f"ab^{n}", f"A^{n}B"]),
        (f"{a}\\sqrt{{x}}", [f"{a}x^{{1/2}}", f"{a}x^{{\\frac{{1}}{{2}}}}", f"\\sqrt{{{a * a}x}}", f"{a}\\sqrt{{y}}", f"\\frac{{{a}x}}{{\\sqrt{{x}}}}"]),
        (f"2^{{n+1}}-{b}", [f"2 \\cdot 2^n-{b}", f"2^{{1+n}}-{b}", f"-{b}+2^{{n+1}}", f"2^n+1-{b}", f"2^{{n}}\\cdot 2-{b}"]),
        (f"x_1+{a}x_2", [f"{a}x_2+x_1", f"x_{{1}}+{a}x_{{2}}", f"x_2+{a}x_1", f"x_{{1}} + {a} x_{{2}}"]),
        (f"\\alpha+{a}\\beta", [f"{a}\\beta+\\alpha", f"\\alpha + {a} \\cdot \\beta", f"\\alpha-{a}\\beta", f"a+{a}b"]),
        (f"e^{{{a}x}}", [f"e^{{x \\cdot {a}}}", f"\\exp({a}x)", f"(e^x)^{a}", f"e^{a}x", f"e^{{x}}"]),
        (f"{a}x+{b}y", [f"{b}y+{a}x", f"{a}x + {b}y", f"{a}x-{b}y", f"{a}(x+\\frac{{{b}}}{{{a}}}y)"]),
        ("|x|", ["\\left|x\\right|", "\\sqrt{x^2}", "x", "\\lvert x \\rvert", "|-x|", "\\vert x\\vert"]),
        (f"\\frac{{x^2-{a * a}}}{{x-{a}}}", [f"x+{a}", f"\\frac{{(x-{a})(x+{a})}}{{x-{a}}}", f"x-{a}"]),
        (f"\\log_2 x", ["\\frac{\\ln x}{\\ln 2}", "\\log_{2}(x)", "\\log_2 x", "\\ln x", "\\log_{2}{x}"])])


def plusminus(r):
    a, b = r.randint(1, 9), r.choice([2, 3, 5, 7])
    return r.choice([
        (f"\\pm {a}", [f"\\pm {a}", f"\\pm{a}", f"{a}, -{a}", f"-{a}, {a}", f"\\{{-{a}, {a}\\}}", f"x = \\pm {a}", f"{a}", f"x={a} \\text{{ or }} x=-{a}", f"\\mp {a}", f"±{a}"]),
        (f"{a} \\pm \\sqrt{{{b}}}", [f"{a} \\pm \\sqrt{{{b}}}", f"{a}+\\sqrt{{{b}}}, {a}-\\sqrt{{{b}}}", f"{a}-\\sqrt{{{b}}}, {a}+\\sqrt{{{b}}}", f"{a}+\\sqrt{{{b}}}", f"x = {a} \\pm \\sqrt{{{b}}}"]),
        (f"{a}+\\sqrt{{{b}}}, {a}-\\sqrt{{{b}}}", [f"{a} \\pm \\sqrt{{{b}}}", f"{a}-\\sqrt{{{b}}}, {a}+\\sqrt{{{b}}}", f"{{{a}+\\sqrt{{{b}}},{a}-\\sqrt{{{b}}}}}"])])


def ratios(r):
    a, b = r.randint(1, 20), r.randint(2, 20)
    return f"{a}:{b}", [f"{a}:{b}", f"{a} : {b}", f"{2 * a}:{2 * b}", f"{a}/{b}", f"\\frac{{{a}}}{{{b}}}", f"{b}:{a}", f"{a} \\text{{ to }} {b}", f"{a}:{b}:1", f"{a / b}"]


def series(r):
    n = r.randint(2, 9)
    return r.choice([
        (str(n * (n + 1) // 2), [f"\\sum_{{k=1}}^{{{n}}} k", f"\\sum_{{i=1}}^{n} i", f"\\frac{{{n}({n}+1)}}{{2}}", f"\\frac{{{n} \\cdot {n + 1}}}{{2}}", f"1+2+\\cdots+{n}"]),
        (f"\\lfloor {n}.5 \\rfloor", [str(n), f"\\left\\lfloor {n}.7 \\right\\rfloor", str(n + 1), f"\\lceil {n - 1}.1 \\rceil"]),
        (f"\\gcd({2 * n}, {3 * n})", [str(n), f"\\gcd({3 * n},{2 * n})", str(6 * n), f"\\text{{gcd}}({2 * n},{3 * n})"]),
        (f"\\max({n}, 3)", [str(max(n, 3)), f"\\max\\{{{n},3\\}}", f"\\max(3,{n})", str(min(n, 3))])])


def malformed(r):
    n = r.randint(2, 9)
    return r.choice([str(n), f"\\frac{{1}}{{{n}}}", f"\\sqrt{{{n}}}", f"\\frac1{n}", f"\\sqrt{n}", f"\\frac{{1}}{{{n}"]), [f"\\frac{{1}}{{{n}", f"\\frac1{n}", f"\\sqrt{n}", f"\\frac{{1}}", f"{n}}}", f"{{{n}", f"\\{n}", f"{n}^", f"{n}+", f"({n}", "\\foo", f"{n}\\\\", "", " ", f"\\frac{{1}}{{{n}}}}}", f"&{n}", f"\\left({n}", f"{n}..", f"#{n}", f"\\text{{{n}", f"\\frac 1 {n}"]


CLASSES = [integers, grouped, decimals, percentages, fractions, mixed, roots, surds, powers, constants, logs, trig, combinatorics, matrices,
           intervals, sets, points, equations, inequalities, choices, texts, units, scientific, infinities, complexes, symbolic, plusminus,
           ratios, series, malformed]


def wrap(r, a, other):
    """Puts an answer into a completion; most are boxed, some behind an anchor, some bare."""
    forms = [
        ("boxed", 10, f"<think>\nso\n</think>\n<answer>\n\\boxed{{{a}}}\n</answer>"),
        ("boxed", 8, f"The answer is $\\boxed{{{a}}}$."),
        ("boxed", 2, f"\\[ \\boxed{{{a}}} \\]"),
        ("boxed", 1, f"$$\\boxed{{ {a} }}$$\nThat is all."),
        ("boxed-behind", 1, f"\\boxed{{{a}}} \\text{{units}} and }} more"),
        ("boxed-percent", 1, f"So $\\boxed{{{a}}}$%"),
        ("nested", 1, f"\\boxed{{\\boxed{{{a}}}}}"),
        ("several", 2, f"First \\boxed{{{other}}}, then after much more thought about this $\\boxed{{{a}}}$."),
        ("several", 1, f"\\boxed{{{a}}}, later on in the solution we see at the very end \\boxed{{{other}}}"),
        ("unclosed", 1, f"\\boxed{{{a}"),
        ("anchor", 3, f"Therefore the final answer is ${a}$."),
        ("anchor", 1, f"Final answer: the value is \\({a}\\)"),
        ("anchor", 1, f"The final answer is: $${a}$$. I hope it is correct."),
        ("anchor", 1, f"**Answer:** \\[{a}\\]"),
        ("anchor", 1, f"Some text with ${other}$ in it. The answer, as we saw, is ${a}$. And ${other}$ is not."),
        ("anchor", 1, f"ANSWER: ${a}$ and ${other}$"),
        ("anchor", 1, f"answer: {a}"),
        ("bare", 1, f"We get ${a}$."),
        ("bare", 1, f"{a}"),
        ("long", 1, "Let us think. " * 400 + f"$x = {other}$ \\boxed{{{a}}}"),
    ]
    kind, _, text = r.choices(forms, [w for _, w, _ in forms])[0]
    return kind, text


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=600)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    r = random.Random(args.seed)
    rows, seen = [], set()
    while len(rows) < args.count:
        make = CLASSES[len(rows) % len(CLASSES)]
        gold, variants = make(r)
        kind, completion = wrap(r, r.choice(variants), r.choice(variants))
        if (gold, completion) in seen:
            continue
        seen.add((gold, completion))
        rows.append({"class": make.__name__, "form": kind, "answer": gold, "completion": completion, "accuracy": accuracy(gold, completion)})
    with open(args.out, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
