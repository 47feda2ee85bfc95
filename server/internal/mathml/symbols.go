package mathml

import (
	"strings"
	"sync"
)

// The commands for single signs, by class: names and signs in turn.
const (
	letterCommands = `
		alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ
		lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ
		chi χ psi ψ omega ω digamma ϝ imath ı jmath ȷ ell ℓ wp ℘ hslash ℏ hbar ℏ partial ∂ aleph ℵ beth ℶ gimel ℷ daleth ℸ`
	uprightCommands = `
		Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω Alpha Α Beta Β Epsilon Ε Zeta Ζ
		Eta Η Iota Ι Kappa Κ Mu Μ Nu Ν Omicron Ο Rho Ρ Tau Τ Chi Χ infty ∞ nabla ∇ emptyset ∅ varnothing ∅ Re ℜ Im ℑ
		R ℝ N ℕ Z ℤ Q ℚ C ℂ reals ℝ eth ð Finv Ⅎ mho ℧`
	ordinaryCommands = `
		forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ top ⊤ bot ⊥ angle ∠ measuredangle ∡ sphericalangle ∢ triangle △ square □
		Box □ blacksquare ■ Diamond ◊ lozenge ◊ bigstar ★ prime ′ backprime ‵ backslash \ degree ° % % $ $ & & # # _ _
		checkmark ✓ clubsuit ♣ diamondsuit ♢ heartsuit ♡ spadesuit ♠ therefore ∴ because ∵ ldots … dots … dotsc …
		dotsb ⋯ dotsm ⋯ dotsi ⋯ dotso … cdots ⋯ vdots ⋮ ddots ⋱ iddots ⋰ flat ♭ natural ♮ sharp ♯ surd √ complement ∁ S § P ¶
		pounds £ yen ¥ euro € copyright © dag † ddag ‡ qed ∎ blacktriangle ▲ triangledown ▽ diagdown ╲ colon : cdotp · ldotp .`
	binaryCommands = `
		pm ± mp ∓ times × div ÷ cdot ⋅ ast ∗ star ⋆ circ ∘ bullet ∙ cap ∩ cup ∪ sqcap ⊓ sqcup ⊔ vee ∨ lor ∨ wedge ∧ land ∧
		setminus ∖ smallsetminus ∖ oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ amalg ⨿ uplus ⊎ dagger † ddagger ‡ wr ≀
		diamond ⋄ triangleleft ◁ triangleright ▷ bigtriangleup △ bigtriangledown ▽ bigcirc ◯ ltimes ⋉ rtimes ⋊ boxplus ⊞
		boxminus ⊟ boxtimes ⊠ boxdot ⊡ veebar ⊻ barwedge ⊼ Cap ⋒ Cup ⋓ intercal ⊺ centerdot ⋅ dotplus ∔ divideontimes ⋇`
	relationCommands = `
		le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ lt < gt > leqslant ⩽ geqslant ⩾ leqq ≦ geqq ≧ ll ≪ gg ≫ lll ⋘ ggg ⋙ equiv ≡ approx ≈ approxeq ≊
		cong ≅ ncong ≇ sim ∼ nsim ≁ simeq ≃ propto ∝ varpropto ∝ prec ≺ succ ≻ preceq ⪯ succeq ⪰ preccurlyeq ≼ succcurlyeq ≽ subset ⊂ supset ⊃
		subseteq ⊆ supseteq ⊇ subsetneq ⊊ supsetneq ⊋ nsubseteq ⊈ nsupseteq ⊉ sqsubset ⊏ sqsupset ⊐ sqsubseteq ⊑ sqsupseteq ⊒ in ∈ isin ∈ ni ∋ owns ∋
		notin ∉ mid ∣ nmid ∤ parallel ∥ nparallel ∦ perp ⟂ asymp ≍ doteq ≐ doteqdot ≑ models ⊨ vdash ⊢ dashv ⊣ vDash ⊨ Vdash ⊩ nvdash ⊬ nvDash ⊭
		bowtie ⋈ Join ⋈ smile ⌣ frown ⌢ coloneqq ≔ coloneq ≔ eqqcolon ≕ triangleq ≜ eqcirc ≖ circeq ≗ lesssim ≲ gtrsim ≳ lessgtr ≶ gtrless ≷ nless ≮ ngtr ≯ nleq ≰ ngeq ≱ backsim ∽ between ≬ pitchfork ⋔ trianglelefteq ⊴
		trianglerighteq ⊵ vartriangleleft ⊲ vartriangleright ⊳ to → rightarrow → gets ← leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐
		Leftrightarrow ⇔ implies ⟹ impliedby ⟸ iff ⟺ longrightarrow ⟶ longleftarrow ⟵ longleftrightarrow ⟷
		Longrightarrow ⟹ Longleftarrow ⟸ Longleftrightarrow ⟺ mapsto ↦ longmapsto ⟼ hookrightarrow ↪ hookleftarrow ↩
		uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕ nearrow ↗ searrow ↘ swarrow ↙ nwarrow ↖
		rightharpoonup ⇀ rightharpoondown ⇁ leftharpoonup ↼ leftharpoondown ↽ rightleftharpoons ⇌ leftrightharpoons ⇋ rightleftarrows ⇄ leftrightarrows ⇆
		rightrightarrows ⇉ leftleftarrows ⇇ leadsto ⇝ rightsquigarrow ⇝ twoheadrightarrow ↠ rightarrowtail ↣ circlearrowleft ↺ circlearrowright ↻
		curvearrowright ↷ curvearrowleft ↶ nrightarrow ↛ nleftarrow ↚ nRightarrow ⇏ nLeftarrow ⇍ nLeftrightarrow ⇎ multimap ⊸ upharpoonright ↾ restriction ↾ Vvdash ⊪ doublecap ⋒ vcentcolon :`
	bigCommands = `
		sum ∑ prod ∏ coprod ∐ bigcup ⋃ bigcap ⋂ bigsqcup ⨆ bigvee ⋁ bigwedge ⋀ bigoplus ⨁ bigotimes ⨂ bigodot ⨀ biguplus ⨄`
	integralCommands = `int ∫ iint ∬ iiint ∭ iiiint ⨌ oint ∮ oiint ∯ oiiint ∰`
	openingCommands  = `{ { lbrace { lbrack [ langle ⟨ lfloor ⌊ lceil ⌈ lvert | lVert ‖ lgroup ⟮ lmoustache ⎰ ulcorner ⌜ llcorner ⌞ llbracket ⟦`
	closingCommands  = `} } rbrace } rbrack ] rangle ⟩ rfloor ⌋ rceil ⌉ rvert | rVert ‖ rgroup ⟯ rmoustache ⎱ urcorner ⌝ lrcorner ⌟ rrbracket ⟧`
	fenceCommands    = `| ‖ vert | Vert ‖`
)

// Names that are written upright. The second list takes limits.
const (
	functionNames = `arccos arcsin arctan arccot arcsec arccsc arg cos cosh cot coth csc csch deg dim exp hom ker lg ln log
		sec sech sin sinh tan tanh tr Tr rank sgn sign diag span erf erfc id Var Cov E cosec tg ctg sh ch th grad curl rot Res supp vol`
	limitNames = `det gcd lcm inf lim liminf limsup max min Pr sup argmax argmin injlim projlim arginf argsup`
)

// knownFunctions are the functionNames that TeX or its common packages have as commands.
var knownFunctions = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for _, name := range strings.Fields(functionNames) {
		known[name] = true
	}
	delete(known, "E") // too short a name: some mean another thing
	delete(known, "id")
	return known
})

var limitFunctions = sync.OnceValue(func() map[string]string {
	known := map[string]string{}
	for _, name := range strings.Fields(limitNames) {
		known[name] = name
	}
	for name, shown := range map[string]string{"liminf": "lim inf", "limsup": "lim sup", "injlim": "inj lim", "projlim": "proj lim", "argmax": "arg max", "argmin": "arg min"} {
		known[name] = shown
	}
	return known
})

// symbols are the atoms of the commands for single signs.
var symbols = sync.OnceValue(func() map[string]atom {
	all := map[string]atom{}
	add := func(list string, makeAtom func(sign string) atom) {
		words := strings.Fields(list)
		for i := 0; i+1 < len(words); i += 2 {
			all[words[i]] = makeAtom(words[i+1])
		}
	}
	of := func(c class) func(string) atom {
		return func(sign string) atom { return operator(c, sign) }
	}
	add(ordinaryCommands, plain)
	add(binaryCommands, of(binary))
	add(relationCommands, func(sign string) atom { return atom{class: relation, sign: sign, attrs: ` stretchy="false"`} })
	add(bigCommands, func(sign string) atom { return atom{class: bigOperator, sign: sign, limits: inDisplay} })
	add(integralCommands, of(bigOperator))
	add(openingCommands, func(sign string) atom { return fence(opening, sign) })
	add(closingCommands, func(sign string) atom { return fence(closing, sign) })
	add(fenceCommands, bar)
	return all
})

// letterSymbols are the commands for letters, which fonts change, and whether a letter is
// upright by default.
var letterSymbols = sync.OnceValue(func() map[string]letterSymbol {
	all := map[string]letterSymbol{}
	for upright, list := range map[bool]string{false: letterCommands, true: uprightCommands} {
		words := strings.Fields(list)
		for i := 0; i+1 < len(words); i += 2 {
			all[words[i]] = letterSymbol{words[i+1], upright}
		}
	}
	return all
})

type letterSymbol struct {
	letter  string
	upright bool
}

// plain is a sign without spaces around it.
func plain(sign string) atom {
	return atom{sign: sign, attrs: ` lspace="0em" rspace="0em"`}
}

// fence is a delimiter of the height of a line.
func fence(c class, sign string) atom {
	return atom{class: c, sign: sign, attrs: ` stretchy="false"`}
}

// bar is a delimiter whose side is not known.
func bar(sign string) atom {
	return atom{sign: sign, attrs: ` stretchy="false" lspace="0em" rspace="0em"`}
}

// delimiters are what \left, \right and \big take: commands and characters.
var delimiters = sync.OnceValue(func() map[string]string {
	all := map[string]string{".": "", "<": "⟨", ">": "⟩", "backslash": `\`, "/": "/", "(": "(", ")": ")", "[": "[", "]": "]", "|": "|"}
	for _, list := range []string{openingCommands, closingCommands, fenceCommands,
		`uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕`} {
		words := strings.Fields(list)
		for i := 0; i+1 < len(words); i += 2 {
			all["\\"+words[i]] = words[i+1]
		}
	}
	for _, sign := range "⟨⟩⌊⌋⌈⌉‖⟦⟧∥" {
		all[string(sign)] = string(sign)
	}
	all[`\backslash`] = `\`
	return all
})

// bySign are the atoms for signs that are written as themselves.
var bySign = sync.OnceValue(func() map[rune]atom {
	all := map[rune]atom{}
	for _, list := range []string{ordinaryCommands, binaryCommands, relationCommands, bigCommands, integralCommands, openingCommands, closingCommands, fenceCommands} {
		words := strings.Fields(list)
		for i := 0; i+1 < len(words); i += 2 {
			if sign := []rune(words[i+1])[0]; sign > 0x7f {
				all[sign] = symbols()[words[i]]
			}
		}
	}
	for sign, a := range map[rune]atom{
		'+': operator(binary, "+"), '-': operator(binary, "−"), '−': operator(binary, "−"), '*': operator(binary, "∗"), '·': operator(binary, "⋅"),
		'=': operator(relation, "="), '<': operator(relation, "<"), '>': operator(relation, ">"), ':': operator(relation, ":"),
		',': operator(punctuation, ","), ';': operator(punctuation, ";"),
		'(': fence(opening, "("), '[': fence(opening, "["), ')': fence(closing, ")"), ']': fence(closing, "]"), '|': bar("|"), '∥': bar("‖"),
		'/': plain("/"), '!': plain("!"), '?': plain("?"), '.': plain("."), '`': plain("`"), '@': plain("@"), '"': plain("\""),
		'%': plain("%"), '…': plain("…"), '°': plain("°"), '′': plain("′"), '√': plain("√"),
		'∀': plain("∀"), '∃': plain("∃"), '∅': element(`<mi mathvariant="normal">∅</mi>`), '∇': element(`<mi mathvariant="normal">∇</mi>`),
	} {
		all[sign] = a
	}
	return all
})

// negated are the relations that Unicode has with a stroke.
var negated = map[string]string{
	"=": "≠", "∈": "∉", "∋": "∌", "⊂": "⊄", "⊃": "⊅", "⊆": "⊈", "⊇": "⊉", "≡": "≢", "≈": "≉", "∼": "≁", "≃": "≄", "≅": "≇", "<": "≮", ">": "≯",
	"≤": "≰", "≥": "≱", "∣": "∤", "|": "∤", "∥": "∦", "∃": "∄", "→": "↛", "←": "↚", "⇒": "⇏", "⇔": "⇎", "⊢": "⊬", "⊨": "⊭",
}

// spaces are the widths of the commands for spaces, in em.
var spaces = map[string]string{
	",": "0.1667em", ":": "0.2222em", ">": "0.2222em", ";": "0.2778em", "!": "-0.1667em", " ": "0.3333em", "\n": "0.3333em", "\t": "0.3333em",
	"quad": "1em", "qquad": "2em", "enspace": "0.5em", "enskip": "0.5em", "thinspace": "0.1667em", "medspace": "0.2222em", "thickspace": "0.2778em",
	"negthinspace": "-0.1667em", "negmedspace": "-0.2222em", "negthickspace": "-0.2778em", "nobreakspace": "0.3333em", "space": "0.3333em", "hfill": "2em",
}

// accents are the signs over and under an argument. A wide one stretches.
var accents = map[string]struct {
	sign        string
	wide, below bool
	takesLimits bool
}{
	"hat": {sign: "^"}, "widehat": {sign: "^", wide: true}, "check": {sign: "ˇ"}, "tilde": {sign: "~"}, "widetilde": {sign: "~", wide: true},
	"acute": {sign: "´"}, "grave": {sign: "`"}, "dot": {sign: "˙"}, "ddot": {sign: "¨"}, "dddot": {sign: "⃛"}, "breve": {sign: "˘"},
	"bar": {sign: "¯"}, "vec": {sign: "→"}, "mathring": {sign: "˚"}, "overline": {sign: "‾", wide: true}, "underline": {sign: "_", wide: true, below: true}, "underbar": {sign: "_", wide: true, below: true},
	"overrightarrow": {sign: "→", wide: true}, "overleftarrow": {sign: "←", wide: true}, "overleftrightarrow": {sign: "↔", wide: true},
	"underrightarrow": {sign: "→", wide: true, below: true}, "underleftarrow": {sign: "←", wide: true, below: true}, "underleftrightarrow": {sign: "↔", wide: true, below: true},
	"overbrace": {sign: "⏞", wide: true, takesLimits: true}, "underbrace": {sign: "⏟", wide: true, below: true, takesLimits: true},
	"overbracket": {sign: "⎴", wide: true, takesLimits: true}, "underbracket": {sign: "⎵", wide: true, below: true, takesLimits: true}, "overparen": {sign: "⏜", wide: true}, "wideparen": {sign: "⏜", wide: true}, "underparen": {sign: "⏝", wide: true, below: true}, "overarc": {sign: "⏜", wide: true},
}

// arrows are those that grow with what is written over and under them.
var arrows = map[string]string{
	"xrightarrow": "→", "xleftarrow": "←", "xleftrightarrow": "↔", "xRightarrow": "⇒", "xLeftarrow": "⇐", "xLeftrightarrow": "⇔", "xmapsto": "↦",
	"xhookrightarrow": "↪", "xhookleftarrow": "↩", "xrightleftharpoons": "⇌", "xlongequal": "=", "xtwoheadrightarrow": "↠",
}

// fontCommands are commands for the font of an argument.
var fontCommands = map[string]font{
	"mathrm": upright, "mathnormal": italic, "mathit": italic, "mathbf": bold, "boldsymbol": boldItalic, "bm": boldItalic, "pmb": boldItalic,
	"mathbb": doubleStruck, "Bbb": doubleStruck, "mathbbm": doubleStruck, "mathds": doubleStruck, "mathcal": script, "mathscr": script, "mathfrak": fraktur, "frak": fraktur, "mathsf": sans, "mathtt": mono,
	"symbf": bold, "symrm": upright, "symbb": doubleStruck, "symcal": script, "mathup": upright,
}

// fontSwitches are commands for the font of the rest of a group.
var fontSwitches = map[string]font{"rm": upright, "it": italic, "bf": bold, "sf": sans, "tt": mono, "cal": script}

// textCommands are commands for words, in a font.
var textCommands = map[string]font{
	"text": upright, "textrm": upright, "textnormal": upright, "textup": upright, "mbox": upright, "hbox": upright, "textbf": bold, "textit": italic,
	"texttt": mono, "textsf": sans, "textsc": upright, "emph": italic,
}

// sizes are the heights of the commands for large delimiters.
var sizes = map[string]string{"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
