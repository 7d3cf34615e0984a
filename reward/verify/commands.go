package verify

import "strings"

// roles maps what is written to its role in the grammar; a role of "" is skipped.
var roles = makeRoles()

// spellings lists, for each role, the ways to write it.
var spellings = map[string]string{
	"":          `\, \: \; \! \quad \qquad \thinspace \medspace \thickspace \negthinspace \negmedspace \negthickspace \$ \vrule \vcenter \vbox \vskip \vspace \hfil`,
	"+":         `+ ∔ ⊕ ⊞`,
	"-":         `- − ∸`,
	"*":         `* × ⋅ ⋄ ⊡ ∗ ⋆ ∘ ∙ ⊗ ⊠ ⋈ ⋉ ⋊ \times \cdot`,
	"/":         `/ ÷ ∕ : \over \div`,
	"mod":       `\mod`,
	"(":         `( \(`,
	")":         `) \)`,
	"[":         `[ \lbrack`,
	"]":         `] \rbrack`,
	"lgroup":    `\lgroup`,
	"rgroup":    `\rgroup`,
	"{":         `{`,
	"}":         `}`,
	`\{`:        `\{ \lbrace`,
	`\}`:        `\} \rbrace`,
	"|":         `| \vert`,
	"lvert":     `\lvert`,
	"rvert":     `\rvert`,
	"langle":    `\langle`,
	"rangle":    `\rangle`,
	"lfloor":    `\lfloor \llcorner`,
	"rfloor":    `\rfloor \lrcorner`,
	"lceil":     `\lceil \ulcorner`,
	"rceil":     `\rceil \urcorner`,
	"_":         `_`,
	",":         `,`,
	";":         `;`,
	"!":         `!`,
	"&":         `&`,
	"newrow":    `\\`,
	"transpose": `'`,
	"in":        `\in`,
	"notin":     `\notin ∉`,
	"=":         `= == \equiv ≡ ≣ ≟ ≎ ≏ ≐ ≑ ≒ ≓ ≔ ≕ ≖ ≗`,
	"approx":    `~= ≈ ≊ ≋ ≃ ≅ \approx`,
	"<":         `< ≪ ≺ ⋖ \lt`,
	"<=":        `<= \leq \le \leqslant ≤ ≦ ≲ ≾`,
	">":         `> ≫ ≻ ⋗ \gt`,
	">=":        `>= \geq \ge \geqslant ≥ ≧ ≳ ≿`,
	"!=":        `!= !== \ne \neq ≠ ≁ ≄ ≇ ≉ ≢`,
	"cup":       `\cup ∪`,
	"cap":       `\cap ∩`,
	"setminus":  `\setminus ∖`,
	"pm":        `\pm \mp ± ∓`,
	"frac":      `\frac \dfrac \tfrac \cfrac`,
	"binom":     `\binom \tbinom \dbinom`,
	"choose":    `\choose`,
	"sqrt":      `\sqrt`,
	"boxed":     `\boxed \phantom`,
	"infinity":  `\infty`,
	"exp":       `\exponentialE`,
	"sum":       `\sum \prod`,
	"operator":  `\operatorname`,
	"func1": `\log \ln \exp \sin \cos \tan \csc \sec \cot \arcsin \arccos \arctan \arccsc \arcsec \arccot \sinh \cosh ` +
		`\tanh \arsinh \arcosh \artanh \arcsinh \arccosh \arctanh \floor \ceil \det \Gamma \gamma`,
	"funcN": `\gcd \lcm \max \min`,
	"name": `\alpha \beta \delta \Delta \epsilon \varepsilon \zeta \eta \theta \Theta \vartheta \iota \kappa \lambda \Lambda ` +
		`\mu \nu \xi \Xi \omicron \pi \Pi \varpi \rho \varrho \sigma \Sigma \varsigma \tau \upsilon \Upsilon \phi \Phi ` +
		`\varphi \chi \psi \Psi \omega \Omega α β γ Γ δ Δ ε ϵ ζ η θ Θ ϑ ι κ λ Λ μ ν ξ Ξ ο π Π ϖ ρ ϱ σ Σ ς τ υ Υ φ Φ ϕ χ ψ Ψ ω Ω ` +
		`\Bbbk \wp \nabla \bigstar \angle \nexists \measuredangle \eth \sphericalangle \clubsuit \varnothing \Diamond ` +
		`\complement \diamondsuit \imath \Finv \triangledown \heartsuit \jmath \triangle \spadesuit \ell \hbar \square ` +
		`\lozenge \blacksquare \mho \sharp \prime \Im \flat \Re \natural \surd`,
	"set": `\emptyset ∅ ℕ ℤ ℚ ℝ ℂ ℙ`,
}

func makeRoles() map[string]string {
	m := map[string]string{}
	for role, written := range spellings {
		for _, w := range strings.Fields(written) {
			m[w] = role
		}
	}
	return m
}

// accents are the commands whose braced text makes one symbol.
var accents = makeAccents()

func makeAccents() map[string]bool {
	m := map[string]bool{}
	for _, a := range strings.Fields(`acute bar overline breve check widecheck dot ddot grave hat tilde widetilde vec
		overrightarrow bm boldsymbol text textit textbf textnormal mathbb mathbin mathbf mathcal mathclap mathclose
		mathfrak mathinner mathit mathnormal mathop mathopen mathord mathpunct mathrel mathring mathrlap mathrm
		mathscr mathsf mathtt mbox`) {
		m[a] = true
	}
	return m
}

// greek maps Greek characters to the names their commands have.
var greek = map[string]string{"α": "alpha", "β": "beta", "γ": "gamma", "Γ": "gamma", "δ": "delta", "Δ": "delta",
	"ε": "epsilon", "ϵ": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta", "Θ": "theta", "ϑ": "vartheta", "ι": "iota",
	"κ": "kappa", "λ": "lambda", "Λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "Ξ": "xi", "ο": "omicron", "π": "pi",
	"Π": "Pi", "ϖ": "varpi", "ρ": "rho", "ϱ": "varrho", "σ": "sigma", "Σ": "sigma", "ς": "varsigma", "τ": "tau",
	"υ": "upsilon", "Υ": "upsilon", "φ": "phi", "Φ": "phi", "ϕ": "varphi", "χ": "chi", "ψ": "psi", "Ψ": "psi",
	"ω": "omega", "Ω": "omega"}

// sets maps the literal sets to their names.
var sets = map[string]string{"emptyset": "empty", "∅": "empty", "empty": "empty", "ℕ": "N", "ℤ": "Z", "ℚ": "Q", "ℝ": "R",
	"ℂ": "C", "ℙ": "P", "N": "N", "Z": "Z", "Q": "Q", "R": "R", "C": "C", "P": "P"}
