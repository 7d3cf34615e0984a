package trainer

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// assign puts the value of a node into the field dst of the given dotted key.
func (d *decoder) assign(key string, node ast.Node, dst reflect.Value) error {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	want := ""
	switch {
	case dst.Kind() == reflect.Pointer:
		if _, null := node.(*ast.NullNode); null {
			dst.SetZero()
			break
		}
		fill(dst)
		if err := d.assign(key, node, dst.Elem()); err != nil {
			return err
		}
	case dst.Kind() == reflect.Struct:
		mapping, ok := node.(*ast.MappingNode)
		if !ok {
			want = "a mapping of keys to values"
			break
		}
		if err := d.mapping(key, mapping, dst); err != nil {
			return err
		}
	case dst.Type() == reflect.TypeFor[Targets]() && isText(node):
		text, _, _ := scalarText(node)
		dst.Set(reflect.ValueOf(Targets{text}))
	case dst.Kind() == reflect.Slice:
		sequence, ok := node.(*ast.SequenceNode)
		if !ok {
			want = "a list"
			break
		}
		if err := d.sequence(key, sequence, dst); err != nil {
			return err
		}
	default:
		want = scalar(node, dst)
	}
	if want != "" {
		return fmt.Errorf("%s: %s, got %s", d.at(node), strings.TrimPrefix(key+": want "+want, ": "), describe(node))
	}
	d.origin[key] = d.at(node)
	return nil
}

// fill gives a pointer that is nil something to point to: the defaults of a section, or zero.
func fill(dst reflect.Value) {
	switch {
	case !dst.IsNil():
	case dst.Type() == reflect.TypeFor[*SFTConfig]():
		dst.Set(reflect.ValueOf(DefaultSFT()))
	case dst.Type() == reflect.TypeFor[*LoRAConfig]():
		dst.Set(reflect.ValueOf(DefaultLoRA()))
	default:
		dst.Set(reflect.New(dst.Type().Elem()))
	}
}

// sequence replaces the slice dst by the values of a YAML list.
func (d *decoder) sequence(key string, node *ast.SequenceNode, dst reflect.Value) error {
	list := reflect.MakeSlice(dst.Type(), len(node.Values), len(node.Values))
	for i, value := range node.Values {
		if err := d.assign(fmt.Sprintf("%s[%d]", key, i), value, list.Index(i)); err != nil {
			return err
		}
	}
	dst.Set(list)
	return nil
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	scaleType    = reflect.TypeFor[RewardScale]()
)

// scalar sets a plain field, or returns what the field would have wanted.
func scalar(node ast.Node, dst reflect.Value) (want string) {
	text, plain, isText := scalarText(node)
	switch {
	case dst.Type() == durationType:
		v, err := time.ParseDuration(text)
		if err != nil || !isText {
			return `a duration such as "30s"`
		}
		dst.SetInt(int64(v))
	case dst.Kind() == reflect.String:
		if b, ok := node.(*ast.BoolNode); ok && dst.Type() == scaleType {
			text, isText = string(scaleOf(b.Value)), true
		}
		if !isText {
			return "text"
		}
		dst.SetString(text)
	case dst.Kind() == reflect.Bool:
		b, ok := node.(*ast.BoolNode)
		if !ok {
			return "true or false"
		}
		dst.SetBool(b.Value)
	case dst.CanInt():
		v, err := strconv.ParseInt(text, 10, dst.Type().Bits())
		if err != nil || !plain || !decimal.MatchString(text) {
			return "an integer"
		}
		dst.SetInt(v)
	case dst.CanUint():
		v, err := strconv.ParseUint(text, 10, dst.Type().Bits())
		if err != nil || !plain || !decimal.MatchString(text) {
			return "an integer of 0 or more"
		}
		dst.SetUint(v)
	case dst.CanFloat():
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !plain || !decimal.MatchString(text) || math.IsInf(v, 0) {
			return "a number"
		}
		dst.SetFloat(v)
	default:
		return "nothing: this key cannot be set"
	}
	return ""
}

// decimal is the one notation of numbers accepted. Octal, hexadecimal and underscores differ
// between versions of YAML, and 1e-6 is text to some readers of YAML but a number to all users.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

// scalarText returns the text of a scalar, whether it was written without quotes, and whether
// YAML takes it for text rather than for a number, a truth value or null.
func scalarText(node ast.Node) (text string, plain, isText bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		quoted := n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return n.Value, !quoted, true
	case *ast.LiteralNode:
		return n.Value.Value, false, true
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true, false
	}
	return "", false, false
}

func isText(node ast.Node) bool {
	_, _, is := scalarText(node)
	return is
}

// describe names what a node holds, for an error.
func describe(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return fmt.Sprintf("text %q", n.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.GetToken().Value
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.NullNode:
		return "nothing (null)"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.AliasNode:
		return "an alias (*name); write the value out"
	case *ast.TagNode:
		return "a tag (" + n.GetToken().Value + "); write the plain value"
	}
	return strings.ToLower(node.Type().String())
}

// unknownKey reports a key that no field has, with the known key that is fewest edits away.
func unknownKey(where, key string) error {
	nearest, distance := "", math.MaxInt
	for _, known := range configKeys("", reflect.TypeFor[Config]()) {
		if n := levenshtein.ComputeDistance(key, known); n < distance {
			nearest, distance = known, n
		}
	}
	return fmt.Errorf("%s: unknown key %q; did you mean %q?", where, key, nearest)
}

// configKeys lists the dotted keys of a struct and its sections in the order of the fields.
func configKeys(prefix string, t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			keys = append(keys, configKeys(prefix, f.Type)...)
			continue
		}
		name := yamlName(f)
		if name == "" {
			continue
		}
		keys = append(keys, prefix+name)
		section := f.Type
		if section.Kind() == reflect.Pointer {
			section = section.Elem()
		}
		if section.Kind() == reflect.Struct {
			keys = append(keys, configKeys(prefix+name+".", section)...)
		}
	}
	return keys
}
