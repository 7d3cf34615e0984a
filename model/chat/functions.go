package chat

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// environment is what all templates share.
var environment = &exec.Environment{
	Context: exec.EmptyContext().Update(builtins.GlobalFunctions).Update(exec.NewContext(map[string]any{
		"none":            none(false),
		"raise_exception": raiseException,
		"range":           rangeList,
	})),
	Filters:           exec.NewFilterSet(map[string]exec.FilterFunction{}).Update(builtins.Filters).Update(filters),
	Tests:             exec.NewTestSet(map[string]exec.TestFunction{}).Update(builtins.Tests).Update(tests),
	ControlStructures: controlStructures(),
	Methods:           methods,
}

func controlStructures() *exec.ControlStructureSet {
	all := map[string]parser.ControlStructureParser{"generation": parseGeneration}
	for _, name := range []string{"for", "if", "set", "macro", "call", "filter", "with", "break", "continue"} {
		all[name], _ = builtins.ControlStructures.Get(name)
	}
	return exec.NewControlStructureSet(all)
}

// generation is {% generation %}, which marks the assistant's text for
// training in transformers. It renders its body.
type generation struct {
	at   *tokens.Token
	body *nodes.Wrapper
}

func parseGeneration(p, _ *parser.Parser) (nodes.ControlStructure, error) {
	g := &generation{at: p.Current()}
	var err error
	g.body, _, err = p.WrapUntil("endgeneration")
	return g, err
}

func (g *generation) Position() *tokens.Token { return g.at }
func (g *generation) String() string          { return "generation" }

// Execute renders the body.
func (g *generation) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	return r.ExecuteWrapper(g.body)
}

func raiseException(args *exec.VarArgs) *exec.Value {
	return exec.AsValue(errors.New(argument(args, 0, "message").String()))
}

// rangeList is range as a list, which unlike gonja's can be read twice.
func rangeList(args *exec.VarArgs) *exec.Value {
	start, stop, step := 0, 0, 1
	for _, a := range args.Args {
		if !a.IsInteger() {
			return exec.AsValue(fmt.Errorf("range: %s is not an integer", a))
		}
	}
	switch a := args.Args; len(a) {
	case 1:
		stop = a[0].Integer()
	case 2, 3:
		start, stop = a[0].Integer(), a[1].Integer()
		if len(a) == 3 {
			step = a[2].Integer()
		}
	default:
		return exec.AsValue(errors.New("range takes 1 to 3 integers"))
	}
	if n := (stop - start) / max(step, 1); step == 0 || n > maxRange {
		return exec.AsValue(fmt.Errorf("range: a step of 0, or more than %d numbers", maxRange))
	}
	list := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		list = append(list, i)
	}
	return exec.AsValue(list)
}

// maxRange is the longest range of Jinja's sandbox (MAX_RANGE).
const maxRange = 100000

var filters = exec.NewFilterSet(map[string]exec.FilterFunction{
	"tojson": toJSON,
	"trim": func(_ *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
		chars := argument(args, 0, "chars")
		if isNone(chars) {
			return exec.AsValue(strings.TrimFunc(in.String(), unicode.IsSpace))
		}
		return exec.AsValue(strings.Trim(in.String(), chars.String()))
	},
	"string": func(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
		return exec.AsValue(in.String())
	},
	"at": at,
	"operand": func(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
		if !in.IsError() && isNone(in) {
			return exec.AsValue(errors.New("an undefined value or None cannot be added"))
		}
		return in
	},
	"dictsort": func(_ *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
		if len(args.Args)+len(args.KwArgs) > 0 {
			return exec.AsValue(errors.New("dictsort: arguments are not supported"))
		}
		items := dictItems(in, func(key, value any) any { return tuple{key, value} })
		slices.SortStableFunc(items, func(a, b any) int {
			return cmp.Compare(strings.ToLower(fmt.Sprint(a.(tuple)[0])), strings.ToLower(fmt.Sprint(b.(tuple)[0])))
		})
		return exec.AsValue(items)
	},
	"items": func(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
		return exec.AsValue(dictItems(in, func(key, value any) any { return tuple{key, value} }))
	},
})

// at is the filter that rewrite puts in the place of x[i].
func at(_ *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
	key := argument(args, 0, "key")
	switch {
	case in.IsError():
		return in
	case key.IsError():
		return key
	case in.IsNil():
		return exec.AsValue(fmt.Errorf("[%s] of an undefined value", key))
	case key.IsInteger() && (in.IsList() || in.IsString()):
		i := key.Integer()
		if i < 0 {
			i += in.Len()
		}
		if i < 0 || i >= in.Len() {
			return exec.AsValue(nil)
		}
		return in.Index(i)
	}
	if v, ok := in.GetItem(key.Interface()); ok {
		return v
	}
	return exec.AsValue(nil)
}

var tests = exec.NewTestSet(map[string]exec.TestFunction{
	"defined":   test(func(v *exec.Value) bool { return !v.IsNil() }),
	"undefined": test(func(v *exec.Value) bool { return v.IsNil() }),
	"none":      test(func(v *exec.Value) bool { _, is := v.Interface().(none); return is }),
	"boolean":   test(func(v *exec.Value) bool { _, is := v.Interface().(bool); return is }),
	"true":      test(func(v *exec.Value) bool { return v.Interface() == true }),
	"false":     test(func(v *exec.Value) bool { return v.Interface() == false }),
	"sequence":  test(func(v *exec.Value) bool { return v.IsList() || v.IsString() || v.IsDict() }),
	"iterable":  test(func(v *exec.Value) bool { return v.IsList() || v.IsString() || v.IsDict() || v.IsNil() }),
	"number": test(func(v *exec.Value) bool {
		return v.IsNumber() || v.IsBool() && !isNone(v)
	}),
})

func test(is func(*exec.Value) bool) exec.TestFunction {
	return func(_ *exec.Context, in *exec.Value, _ *exec.VarArgs) (bool, error) { return is(in), nil }
}

// strftimeNow is the function strftime_now.
func strftimeNow(now time.Time) func(*exec.VarArgs) *exec.Value {
	return func(args *exec.VarArgs) *exec.Value {
		if now.IsZero() {
			now = time.Now()
		}
		text, err := strftime(now, argument(args, 0, "format").String())
		if err != nil {
			return exec.AsValue(err)
		}
		return exec.AsValue(text)
	}
}

var strftimeLayouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'B': "January", 'b': "Jan", 'A': "Monday", 'a': "Mon", 'j': "002", 'Z': "MST", 'z': "-0700", 'e': "_2",
	'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04",
}

// strftime formats a time as Python does in the C locale.
func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		unpadded := format[i] == '-' && i+1 < len(format)
		if unpadded {
			i++
		}
		layout, ok := strftimeLayouts[format[i]]
		switch {
		case format[i] == '%':
			b.WriteByte('%')
		case !ok:
			known := slices.Sorted(maps.Keys(strftimeLayouts))
			return "", fmt.Errorf("strftime_now: %%%c is not supported (supported: %s)", format[i], known)
		case unpadded:
			b.WriteString(strings.TrimLeft(t.Format(layout), "0 "))
		default:
			b.WriteString(t.Format(layout))
		}
	}
	return b.String(), nil
}
