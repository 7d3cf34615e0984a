package openr1

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// column is a column to read, with what its values become.
type column struct {
	name string
	kind parquet.Kind
	list bool // of such values
	need bool // that a file lacks it is an error
	add  func(*Record, parquet.Value)

	leaf  int // its index in the file, -1 where the file lacks it
	level int // definition level from which on a list has an element
}

// readParquet reads the wanted columns of a parquet file, row group by row group.
func readParquet(f *os.File, path string, c Columns, each func(Record) error) (err error) {
	row := 0
	defer func() {
		if p := recover(); p != nil { // the library's, on pages that are not what they claim
			err = fmt.Errorf("%s: row %d: damaged: %v", path, row+1, p)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("%s: not a whole parquet file: %w", path, err)
	}
	columns, err := wantedColumns(file.Schema(), c)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := checkEncodings(file.Metadata(), columns); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, group := range file.RowGroups() {
		if err := readGroup(group, columns, len(c.Keep), func(r Record, bad error) error {
			row++
			if bad != nil {
				return fmt.Errorf("%s: row %d: %w", path, row, bad)
			}
			return each(r)
		}); err != nil {
			return err
		}
	}
	return nil
}

// checkEncodings refuses booleans that are stored as run lengths, as in version 2 of data pages:
// the library takes some of them for others, and verdicts must not be wrong.
func checkEncodings(meta *format.FileMetaData, columns []column) error {
	for _, group := range meta.RowGroups {
		for _, c := range columns {
			if c.kind != parquet.Boolean || c.leaf < 0 {
				continue
			}
			chunk := group.Columns[c.leaf].MetaData
			runs := !slices.Contains(chunk.Encoding, format.Plain) && len(chunk.Encoding) > 0
			for _, s := range chunk.EncodingStats {
				runs = runs || s.PageType != format.DictionaryPage && s.Encoding == format.RLE
			}
			if runs {
				return fmt.Errorf("column %q: booleans stored as run lengths cannot be read; write the file with data pages of version 1.0", c.name)
			}
		}
	}
	return nil
}

// readGroup calls each with every record of a row group, or with what is wrong with it.
func readGroup(group parquet.RowGroup, columns []column, keep int, each func(Record, error) error) error {
	byLeaf := map[int]column{}
	var chunks []parquet.ColumnChunk
	for _, c := range columns {
		if c.leaf >= 0 {
			byLeaf[c.leaf] = c
			chunks = append(chunks, group.ColumnChunks()[c.leaf])
		}
	}
	rows := parquet.NewColumnChunkRowReader(chunks)
	defer rows.Close()
	buffer := make([]parquet.Row, 16)
	for read := int64(0); ; {
		n, err := rows.ReadRows(buffer)
		for _, values := range buffer[:n] {
			read++
			record := Record{Kept: make([]string, keep)}
			if err := each(record, fill(&record, values, byLeaf)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			if read == group.NumRows() {
				return nil
			}
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return each(Record{}, fmt.Errorf("damaged: %w", err))
		}
	}
}

// fill puts the values of a row into a record.
func fill(r *Record, values parquet.Row, byLeaf map[int]column) error {
	for _, v := range values {
		c := byLeaf[v.Column()]
		if c.list && v.DefinitionLevel() < c.level {
			continue // stands for a list that is null or empty
		}
		if c.kind == parquet.ByteArray && !utf8.Valid(v.ByteArray()) {
			return fmt.Errorf("%s: not valid UTF-8", c.name)
		}
		c.add(r, v)
	}
	return nil
}

// wantedColumns finds the columns to read in a file's schema.
func wantedColumns(schema *parquet.Schema, c Columns) ([]column, error) {
	verdict := func(v parquet.Value) bool { return !v.IsNull() && v.Boolean() }
	columns := []column{
		{name: problemColumn, kind: parquet.ByteArray, need: true,
			add: func(r *Record, v parquet.Value) { r.Problem = string(v.ByteArray()) }},
		{name: answerColumn, kind: parquet.ByteArray, need: true,
			add: func(r *Record, v parquet.Value) { r.Answer = string(v.ByteArray()) }},
		{name: generationsColumn, kind: parquet.ByteArray, list: true, need: true,
			add: func(r *Record, v parquet.Value) { r.Generations = append(r.Generations, string(v.ByteArray())) }},
		{name: verifyColumn, kind: parquet.Boolean, list: true, need: true,
			add: func(r *Record, v parquet.Value) { r.MathVerify = append(r.MathVerify, verdict(v)) }},
	}
	if c.Llama {
		columns = append(columns, column{name: llamaColumn, kind: parquet.Boolean, list: true, need: true,
			add: func(r *Record, v parquet.Value) { r.Llama = append(r.Llama, verdict(v)) }})
	}
	for i, name := range c.Keep {
		columns = append(columns, column{name: name, kind: parquet.ByteArray,
			add: func(r *Record, v parquet.Value) { r.Kept[i] = string(v.ByteArray()) }})
	}
	for i := range columns {
		if err := columns[i].find(schema); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// find looks for the column in a schema and checks its type. How the parts of a list are called
// differs between writers and does not matter. A column that holds nothing but nulls, and so
// has no type, is as one that is missing but for the error.
func (c *column) find(schema *parquet.Schema) error {
	c.leaf = -1
	var paths [][]string
	for _, path := range schema.Columns() {
		if path[0] == c.name {
			paths = append(paths, path)
		}
	}
	switch {
	case len(paths) == 0 && c.need:
		return fmt.Errorf("no column %q; want %s", c.name, c.wanted())
	case len(paths) == 0:
		return nil
	case len(paths) > 1:
		return fmt.Errorf("column %q: want %s, got a structure", c.name, c.wanted())
	}
	path := paths[0]
	leaf, _ := schema.Lookup(path...)
	t := leaf.Node.Type()
	if t == parquet.NullType {
		return nil
	}
	if t.Kind() != c.kind || leaf.MaxRepetitionLevel != c.lists() || !c.list && len(path) > 1 {
		got := t.String()
		for range leaf.MaxRepetitionLevel {
			got = "a list of " + got
		}
		return fmt.Errorf("column %q: want %s, got %s", c.name, c.wanted(), got)
	}
	c.leaf, c.level = leaf.ColumnIndex, elementLevel(schema, path)
	return nil
}

// lists is the number of lists around a value.
func (c *column) lists() int {
	if c.list {
		return 1
	}
	return 0
}

// wanted describes the column's type.
func (c *column) wanted() string {
	what := "text"
	switch {
	case c.kind == parquet.Boolean && c.list:
		what = "booleans"
	case c.list:
		what = "texts"
	}
	if c.list {
		return "a list of " + what
	}
	return what
}

// elementLevel is the definition level at which the list on a path has an element, be it null.
func elementLevel(node parquet.Node, path []string) int {
	level := 0
	for _, name := range path {
		for _, f := range node.Fields() {
			if f.Name() == name {
				node = f
				break
			}
		}
		if node.Optional() || node.Repeated() {
			level++
		}
		if node.Repeated() {
			break
		}
	}
	return level
}
