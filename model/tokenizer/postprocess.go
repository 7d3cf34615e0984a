package tokenizer

// readPostProcessor reads which ids are put around a text. Only what a single
// text needs of it is read.
func (t *Tokenizer) readPostProcessor(c component) error {
	switch c.Type {
	case "", "ByteLevel": // ByteLevel only trims offsets
		return nil
	case "TemplateProcessing":
		return t.readTemplate(c)
	case "Sequence":
		parts, err := c.list("processors")
		if err != nil {
			return err
		}
		for _, part := range parts {
			if err := t.readPostProcessor(part); err != nil {
				return err
			}
		}
		return nil
	}
	return c.unsupported("Sequence", "ByteLevel", "TemplateProcessing")
}

// templateFile is a TemplateProcessing. Its single is a list of
// {"SpecialToken": {"id": name}} and, once, {"Sequence": {"id": "A"}}.
type templateFile struct {
	Single []struct {
		SpecialToken *struct {
			ID string `json:"id"`
		}
		Sequence *struct {
			ID string `json:"id"`
		}
	} `json:"single"`
	SpecialTokens map[string]struct {
		IDs []int `json:"ids"`
	} `json:"special_tokens"`
}

func (t *Tokenizer) readTemplate(c component) error {
	var f templateFile
	if err := c.read(&f); err != nil {
		return err
	}
	var before, after []int
	sequences := 0
	for i, part := range f.Single {
		switch {
		case part.Sequence != nil:
			sequences++
		case part.SpecialToken == nil:
			return c.errorf("single[%d] is neither a SpecialToken nor a Sequence", i)
		default:
			token, ok := f.SpecialTokens[part.SpecialToken.ID]
			if !ok {
				return c.errorf("single[%d]: %q is not in special_tokens", i, part.SpecialToken.ID)
			}
			if sequences == 0 {
				before = append(before, token.IDs...)
			} else {
				after = append(after, token.IDs...)
			}
		}
	}
	if sequences != 1 {
		return c.errorf("single must have one Sequence, not %d", sequences)
	}
	if t.prefix != nil || t.suffix != nil {
		return c.errorf("a second TemplateProcessing is not supported")
	}
	t.prefix, t.suffix = before, after
	return nil
}
