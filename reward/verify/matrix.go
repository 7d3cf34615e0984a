package verify

import "math/big"

// maxCells bounds the entries of a matrix that is computed with.
const maxCells = 400

// matrix reads \begin{pmatrix} … \end{pmatrix} and its kin; a vmatrix is its determinant.
func (p *parser) matrix() (*node, bool) {
	kindOf := p.tokens[p.pos].text
	p.pos++
	m := of(matrix)
	for {
		if p.peek() == "end" && len(m.args) > 0 {
			break
		}
		row := of(tuple)
		for {
			e, ok := p.expression()
			if !ok {
				return nil, false
			}
			row.args = append(row.args, e)
			if !p.accept("&") {
				break
			}
		}
		m.args = append(m.args, row)
		if !p.accept("newrow") {
			break
		}
	}
	for _, row := range m.args {
		if len(row.args) != len(m.args[0].args) {
			return nil, false
		}
	}
	if !p.accept("end") || len(m.args)*len(m.args[0].args) > maxCells {
		return nil, false
	}
	if kindOf == "vmatrix" {
		return determinant(m)
	}
	return m, true
}

// determinant is the function det of a square matrix; its arguments are the entries, row by row.
func determinant(m *node) (*node, bool) {
	if m.kind != matrix || len(m.args) != len(m.args[0].args) {
		return nil, false
	}
	d := call("det")
	for _, row := range m.args {
		d.args = append(d.args, row.args...)
	}
	return d, true
}

// eliminate computes a determinant from the entries by Gaussian elimination.
func eliminate(cells []value) (value, bool) {
	n := 1
	for n*n < len(cells) {
		n++
	}
	cells = append([]value{}, cells...)
	total := value{r: big.NewRat(1, 1)}
	for c := range n {
		pivot := c
		for pivot < n && cells[pivot*n+c].isZero() {
			pivot++
		}
		if pivot == n {
			return value{r: new(big.Rat)}, true
		}
		sign := value{r: big.NewRat(1, 1)}
		if pivot != c {
			sign.r = big.NewRat(-1, 1)
			for j := range n {
				cells[pivot*n+j], cells[c*n+j] = cells[c*n+j], cells[pivot*n+j]
			}
		}
		ok := true
		step := func(v, w value, join func(value, value) (value, bool)) (out value) {
			if ok {
				out, ok = join(v, w)
			}
			return out
		}
		total = step(total, step(sign, cells[c*n+c], multiply), multiply)
		inverse, invertible := raiseInt(cells[c*n+c], -1)
		if ok = ok && invertible; !ok {
			return value{}, false
		}
		for i := c + 1; i < n; i++ {
			f := step(step(cells[i*n+c], inverse, multiply), value{r: big.NewRat(-1, 1)}, multiply)
			for j := c; j < n && ok; j++ {
				cells[i*n+j] = step(cells[i*n+j], step(f, cells[c*n+j], multiply), add)
			}
		}
		if !ok {
			return value{}, false
		}
	}
	return total, true
}

func transpose(n *node) *node {
	if n.kind != matrix {
		return n
	}
	t := of(matrix)
	for j := range n.args[0].args {
		row := of(tuple)
		for i := range n.args {
			row.args = append(row.args, n.args[i].args[j])
		}
		t.args = append(t.args, row)
	}
	return t
}

// asMatrix works out sums and products that contain matrices; ok is false for anything else.
func asMatrix(n *node) (*node, bool) {
	if n.kind == matrix {
		return n, true
	}
	if n.kind != sum && n.kind != product {
		return nil, false
	}
	total, isMatrix := n.args[0], false
	if m, ok := asMatrix(total); ok {
		total, isMatrix = m, true
	}
	for _, a := range n.args[1:] {
		m, ok := asMatrix(a)
		switch {
		case !ok && !isMatrix:
			total = flat(n.kind, total, a)
			continue
		case n.kind == sum && ok && isMatrix:
			total, ok = addMatrices(total, m)
		case n.kind == sum:
			return nil, false
		case ok && isMatrix:
			total, ok = multiplyMatrices(total, m)
		case ok:
			total = scale(m, total)
		default:
			total, ok = scale(total, a), true
		}
		if isMatrix = true; !ok {
			return nil, false
		}
	}
	return total, isMatrix
}

func entries(m *node, f func(i, j int) *node, columns int) *node {
	out := of(matrix)
	for i := range m.args {
		row := of(tuple)
		for j := range columns {
			row.args = append(row.args, f(i, j))
		}
		out.args = append(out.args, row)
	}
	return out
}

func scale(m, by *node) *node {
	return entries(m, func(i, j int) *node { return flat(product, by, m.args[i].args[j]) }, len(m.args[0].args))
}

func addMatrices(a, b *node) (*node, bool) {
	if len(a.args) != len(b.args) || len(a.args[0].args) != len(b.args[0].args) {
		return nil, false
	}
	return entries(a, func(i, j int) *node { return flat(sum, a.args[i].args[j], b.args[i].args[j]) }, len(a.args[0].args)), true
}

func multiplyMatrices(a, b *node) (*node, bool) {
	if len(a.args[0].args) != len(b.args) || len(a.args)*len(b.args[0].args)*len(b.args) > maxCells || !a.smallerThan(maxCells) {
		return nil, false
	}
	return entries(a, func(i, j int) *node {
		cell := integer(0)
		for k := range b.args {
			cell = flat(sum, cell, flat(product, a.args[i].args[k], b.args[k].args[j]))
		}
		return cell
	}, len(b.args[0].args)), true
}

// smallerThan says whether n has fewer than limit nodes; shared parts count each time they occur.
func (n *node) smallerThan(limit int) bool {
	var count func(*node) bool
	count = func(n *node) bool {
		limit--
		for _, a := range n.args {
			if limit < 0 || !count(a) {
				return false
			}
		}
		return limit >= 0
	}
	return count(n)
}
