package reward

// Explained is a score as a row of JSON: its parts, and under missing the reason of each part
// that is null.
type Explained struct {
	Score
	Missing map[string]string `json:"missing,omitempty"`
}

// Explain returns the score with the reasons of its missing parts, by their JSON names. Steps
// is not nil, so that none is [] in JSON.
func (s Score) Explain() Explained {
	row := Explained{s, map[string]string{}}
	if row.Steps == nil {
		row.Steps = []StepScore{}
	}
	for name, part := range map[string]Value{
		"accuracy": s.Accuracy, "format": s.Format, "tag_count": s.TagCount, "structure": s.Structure, "total": s.Total,
	} {
		if part.Missing != "" {
			row.Missing[name] = part.Missing
		}
	}
	return row
}
