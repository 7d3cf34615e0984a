package chat

import (
	"errors"
	"strings"
	"unicode"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

// argument returns an argument given by its position or name, nil if it is not.
func argument(args *exec.VarArgs, position int, name string) *exec.Value {
	if position < len(args.Args) {
		return args.Args[position]
	}
	if v, ok := args.KwArgs[name]; ok {
		return v
	}
	return exec.AsValue(nil)
}

// isNone tells whether an argument is absent or None.
func isNone(v *exec.Value) bool {
	_, is := v.Interface().(none)
	return is || v.IsNil()
}

type strMethod = exec.Method[string]

// strMethods are the methods of str that templates use. gonja has more, which
// stay.
var strMethods = map[string]strMethod{
	"strip":  stripper(strings.TrimFunc),
	"lstrip": stripper(strings.TrimLeftFunc),
	"rstrip": stripper(strings.TrimRightFunc),
	"split": func(s string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		return split(s, args, strings.Index)
	},
	"rsplit": func(s string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		return split(s, args, strings.LastIndex)
	},
	"startswith": affix(strings.HasPrefix),
	"endswith":   affix(strings.HasSuffix),
	"count": func(s string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		return strings.Count(s, argument(args, 0, "sub").String()), nil
	},
	"title": func(s string, _ *exec.Value, _ *exec.VarArgs) (any, error) {
		return title(s), nil
	},
	"replace": func(s string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		count := -1
		if v := argument(args, 2, "count"); v.IsInteger() {
			count = v.Integer()
		}
		return strings.Replace(s, argument(args, 0, "old").String(), argument(args, 1, "new").String(), count), nil
	},
}

func stripper(trim func(string, func(rune) bool) string) strMethod {
	return func(s string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		chars := argument(args, 0, "chars")
		if isNone(chars) {
			return trim(s, unicode.IsSpace), nil
		}
		return trim(s, func(r rune) bool { return strings.ContainsRune(chars.String(), r) }), nil
	}
}

func affix(has func(s, part string) bool) strMethod {
	return func(s string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		part := argument(args, 0, "prefix")
		if !part.IsList() {
			return has(s, part.String()), nil
		}
		for i := range part.Len() {
			if has(s, part.Index(i).String()) {
				return true, nil
			}
		}
		return false, nil
	}
}

// split implements split and rsplit, which differ in which separator they
// take first.
func split(s string, args *exec.VarArgs, index func(s, sep string) int) (any, error) {
	limit := -1
	if v := argument(args, 1, "maxsplit"); v.IsInteger() {
		limit = v.Integer()
	}
	sep := argument(args, 0, "sep")
	if isNone(sep) {
		if limit >= 0 {
			return nil, errors.New("split at white space with maxsplit is not supported")
		}
		return toAny(strings.Fields(s)), nil
	}
	if sep.String() == "" {
		return nil, errors.New("empty separator")
	}
	fromEnd := index("..", ".") == 1
	if limit < 0 || !fromEnd {
		if limit >= 0 {
			limit++
		}
		return toAny(strings.SplitN(s, sep.String(), limit)), nil
	}
	parts := strings.Split(s, sep.String())
	if first := len(parts) - limit; first > 1 {
		parts = append([]string{strings.Join(parts[:first], sep.String())}, parts[first:]...)
	}
	return toAny(parts), nil
}

func toAny(parts []string) []any {
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list
}

// title is Python's str.title: each run of letters starts with a capital.
func title(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		before := inWord
		inWord = unicode.IsLetter(r)
		if before {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

// dictMethods are the methods of dict. They keep the order of the keys.
var dictMethods = exec.NewMethodSet(map[string]exec.Method[map[string]any]{
	"keys": func(_ map[string]any, self *exec.Value, _ *exec.VarArgs) (any, error) {
		return dictItems(self, func(key, _ any) any { return key }), nil
	},
	"values": func(_ map[string]any, self *exec.Value, _ *exec.VarArgs) (any, error) {
		return dictItems(self, func(_, value any) any { return value }), nil
	},
	"items": func(_ map[string]any, self *exec.Value, _ *exec.VarArgs) (any, error) {
		return dictItems(self, func(key, value any) any { return tuple{key, value} }), nil
	},
	"get": func(_ map[string]any, self *exec.Value, args *exec.VarArgs) (any, error) {
		if v, ok := self.GetItem(argument(args, 0, "key").Interface()); ok {
			return v.Interface(), nil
		}
		if v := argument(args, 1, "default"); !v.IsNil() {
			return v.Interface(), nil
		}
		return none(false), nil
	},
})

func dictItems(self *exec.Value, item func(key, value any) any) []any {
	list := []any{}
	for _, key := range self.Keys() {
		value, _ := self.GetItem(key.Interface())
		list = append(list, item(key.Interface(), value.Interface()))
	}
	return list
}

var methods = func() exec.Methods {
	m := builtins.Methods
	m.Dict = dictMethods
	m.List = exec.NewMethodSet(map[string]exec.Method[[]any]{})
	known := []string{"capitalize", "find", "format", "isalnum", "isalpha", "isdigit", "islower", "isnumeric",
		"isspace", "isupper", "join", "lower", "removeprefix", "removesuffix", "splitlines", "upper"}
	all := make(map[string]strMethod)
	for _, name := range known {
		all[name], _ = builtins.Methods.Str.Get(name)
	}
	for name, method := range strMethods {
		all[name] = method
	}
	m.Str = exec.NewMethodSet(all)
	return m
}()
