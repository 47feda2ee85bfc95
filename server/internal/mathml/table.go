package mathml

import "strings"

// An environment is how a table is laid out.
type environment struct {
	open, close string // delimiters around it
	class       string // of its table, for the style sheet
	align       string // of its columns, in turn: l, c, r; the last goes on
	display     bool   // its cells are display formulas
	columns     bool   // it has an argument with the alignment of its columns
	count       bool   // it has an argument with the number of its columns
	one         bool   // it is a plain formula
}

var environments = map[string]environment{
	"matrix": {align: "c"}, "smallmatrix": {align: "c", class: "small"},
	"pmatrix": {align: "c", open: "(", close: ")"}, "bmatrix": {align: "c", open: "[", close: "]"},
	"Bmatrix": {align: "c", open: "{", close: "}"}, "vmatrix": {align: "c", open: "|", close: "|"},
	"Vmatrix": {align: "c", open: "‖", close: "‖"},
	"cases":   {align: "l", open: "{"}, "dcases": {align: "l", open: "{", display: true}, "rcases": {align: "l", close: "}"},
	"numcases": {align: "l", open: "{"},
	"array":    {columns: true}, "subarray": {columns: true, class: "lines"}, "tabular": {columns: true},
	"align": {align: "rl", class: "aligned", display: true}, "aligned": {align: "rl", class: "aligned", display: true},
	"alignat": {align: "rl", class: "aligned", display: true, count: true}, "alignedat": {align: "rl", class: "aligned", display: true, count: true},
	"flalign": {align: "rl", class: "aligned", display: true}, "split": {align: "rl", class: "aligned", display: true},
	"eqnarray": {align: "rcl", class: "aligned", display: true},
	"gather":   {align: "c", class: "lines", display: true}, "gathered": {align: "c", class: "lines", display: true},
	"multline": {align: "c", class: "lines", display: true},
	"equation": {one: true}, "displaymath": {one: true}, "math": {one: true},
}

// maxCells bounds the cells of a table.
const maxCells = 1000

// environment reads what is between \begin and \end.
func (p *parser) environment() atom {
	name := p.raw()
	env, ok := environments[strings.TrimSuffix(name, "*")]
	if !ok || !p.enter() {
		p.fail()
		return atom{}
	}
	defer p.leave()
	p.skipSpaces()
	for _, place := range []string{"[t]", "[c]", "[b]"} { // where it stands on its line
		p.take(place)
	}
	if env.count {
		p.raw()
	}
	lines := ""
	if env.columns {
		env.align, lines = columns(p.raw())
	}
	cells, option := p.cells, p.option
	p.cells, p.option = 1, 0
	table := p.table(env, lines)
	p.cells, p.option = cells, option
	if p.command() != "end" {
		p.fail()
		return atom{}
	}
	p.read("end")
	if p.raw() != name {
		p.fail()
	}
	return element(table)
}

// columns reads the alignment of an array's columns, and before which of them a line is.
func columns(spec string) (align, lines string) {
	line := byte('.')
	for i := range len(spec) {
		switch c := spec[i]; c {
		case 'l', 'c', 'r':
			align += string(c)
			lines += string(line)
			line = '.'
		case '|':
			line = '|'
		}
	}
	if align == "" {
		align = "c"
	}
	return align, lines + string(line)
}

// table reads rows of cells up to the end of the environment.
func (p *parser) table(env environment, lines string) string {
	attrs := ""
	if env.class != "" {
		attrs = ` class="` + env.class + `"`
	}
	if env.display {
		attrs += ` displaystyle="true"`
	}
	var b strings.Builder
	rule, count := "", 0
	for first := true; ; first = false {
		for p.skipSpaces(); p.command() == "hline"; p.skipSpaces() {
			p.read("hline")
			rule = ` class="ruled"`
		}
		if !first && p.command() == "end" || p.done() {
			break
		}
		b.WriteString("<mtr" + rule + ">")
		rule = ""
		for column := 0; ; column++ {
			if count++; count > maxCells {
				p.fail()
			}
			row := joined(p.row(), env.class == "aligned" && column%2 == 1)
			b.WriteString(cell(env, lines, column, row))
			if !p.take("&") {
				break
			}
		}
		b.WriteString("</mtr>")
		if !p.lineBreak() {
			break
		}
	}
	table := "<mtable" + attrs + ">" + b.String() + "</mtable>"
	switch {
	case env.one:
		if count > 1 {
			table = strings.Replace(table, "<mtable>", `<mtable class="lines" displaystyle="true">`, 1)
			break
		}
		table = strings.TrimSuffix(strings.TrimPrefix(table, "<mtable><mtr><mtd>"), "</mtd></mtr></mtable>")
		return "<mrow>" + table + "</mrow>"
	case env.open != "" || env.close != "":
		return "<mrow>" + grownFence(env.open, "prefix") + table + grownFence(env.close, "postfix") + "</mrow>"
	}
	return table
}

// grownFence is a delimiter of the height of what it is beside; "" is none.
func grownFence(sign, form string) string {
	if sign == "" {
		return ""
	}
	return `<mo fence="true" stretchy="true" form="` + form + `">` + sign + "</mo>"
}

// cell returns a cell with the classes for its column.
func cell(env environment, lines string, column int, row string) string {
	var classes []string
	if env.align != "" {
		switch at := column % len(env.align); env.align[at] {
		case 'l':
			classes = append(classes, "left")
		case 'r':
			classes = append(classes, "right")
		}
	}
	if column < len(lines) && lines[column] == '|' {
		classes = append(classes, "line-before")
	}
	if column == len(lines)-2 && lines[column+1] == '|' {
		classes = append(classes, "line-after")
	}
	if len(classes) == 0 {
		return "<mtd>" + row + "</mtd>"
	}
	return `<mtd class="` + strings.Join(classes, " ") + `">` + row + "</mtd>"
}

// substack reads lines under an operator.
func (p *parser) substack() atom {
	p.skipSpaces()
	if !p.take("{") {
		p.fail()
		return atom{}
	}
	cells, option := p.cells, p.option
	p.cells, p.option = 0, 0
	table := p.table(environment{class: "lines"}, "")
	p.cells, p.option = cells, option
	if !p.take("}") {
		p.fail()
	}
	return element(table)
}
