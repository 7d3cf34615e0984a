package model

// FitAll forgets how many completions at once were found to fit into memory.
func (m *Model) FitAll() { m.fitRows = 0 }
