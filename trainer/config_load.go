package trainer

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Need says which command a configuration is for, and with it which keys must be set.
type Need int

// The commands that read a configuration. Score and decompose use only reward_weights and
// structure; step uses only the model, loss and optimizer keys; a plan uses no data.
const (
	NeedTrain Need = iota
	NeedSFT
	NeedEval
	NeedScore
	NeedDecompose
	NeedStep
	NeedPlan
	NeedPlanSFT
)

// LoadConfig reads the YAML file at path over the defaults, then applies sets, each a
// "key=value" with a dotted key and a YAML value, then checks every range and that the keys
// the command needs are there. An empty path leaves the defaults. An error is one line that
// names the file and line, or the --set, and the key. What the text leaves open and follows
// from other keys (pass_k) is filled in.
func LoadConfig(path string, sets []string, need Need) (*Config, error) {
	cfg := DefaultConfig()
	origin := map[string]string{}
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		d := decoder{source: path, lines: true, origin: origin}
		if err := d.document(data, cfg); err != nil {
			return nil, err
		}
	}
	for _, set := range sets {
		if err := applySet(cfg, set, origin); err != nil {
			return nil, err
		}
	}
	if cfg.SFT == nil && (need == NeedSFT || need == NeedPlanSFT) {
		cfg.SFT = DefaultSFT()
	}
	if len(cfg.Eval.PassK) == 0 {
		cfg.Eval.PassK = []int{cfg.Eval.NumGenerations}
	}
	missing := path
	if missing == "" {
		missing = "config"
	}
	return cfg, cfg.check(need, missing, origin)
}

// applySet assigns one "key=value" of the command line.
func applySet(cfg *Config, set string, origin map[string]string) error {
	d := decoder{source: "--set " + firstLine(set), origin: origin}
	key, text, found := strings.Cut(set, "=")
	if !found || key == "" {
		return fmt.Errorf("%s: want key=value", d.source)
	}
	dst, err := d.find(key, reflect.ValueOf(cfg).Elem())
	if err != nil {
		return err
	}
	node, err := d.parse([]byte(text))
	if err != nil {
		return err
	}
	if node == nil {
		return fmt.Errorf("%s: no value; write %s='' for empty text or %s=null for none", d.source, key, key)
	}
	return d.assign(key, node, dst)
}

// A decoder assigns YAML nodes to the fields of a [Config], and notes in origin where each
// key was set. It is stricter than the YAML library's own: nothing is converted silently.
type decoder struct {
	source string            // the file, or the whole --set
	lines  bool              // whether a position in source is a line of a file
	origin map[string]string // dotted key → "file:line" or "--set key=value"
}

// at names the place of a node.
func (d *decoder) at(n ast.Node) string {
	if !d.lines || n == nil || n.GetToken() == nil {
		return d.source
	}
	return fmt.Sprintf("%s:%d", d.source, n.GetToken().Position.Line)
}

// document assigns a whole file, which is one mapping or nothing but comments.
func (d *decoder) document(data []byte, cfg *Config) error {
	node, err := d.parse(data)
	if err != nil || node == nil {
		return err
	}
	return d.assign("", node, reflect.ValueOf(cfg).Elem())
}

// parse returns the root of the only document in data, nil when there is none.
func (d *decoder) parse(data []byte) (ast.Node, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: not valid UTF-8", d.source)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		where := d.source
		var located yaml.Error
		message := firstLine(err.Error())
		if errors.As(err, &located) {
			message = located.GetMessage()
			if token := located.GetToken(); d.lines && token != nil {
				where = fmt.Sprintf("%s:%d", d.source, token.Position.Line)
			}
		}
		return nil, fmt.Errorf("%s: not valid YAML: %s", where, message)
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return nil, fmt.Errorf("%s: a second YAML document; want one", d.at(doc.Body))
		}
		root = doc.Body
	}
	return root, nil
}

// find returns the field that a dotted key names.
func (d *decoder) find(key string, dst reflect.Value) (reflect.Value, error) {
	for _, name := range strings.Split(key, ".") {
		if dst.Kind() == reflect.Pointer {
			fill(dst)
			dst = dst.Elem()
		}
		field, ok := fieldByKey(dst, name)
		if !ok {
			return dst, unknownKey(d.source, key)
		}
		dst = field
	}
	return dst, nil
}

// mapping assigns each entry of a YAML mapping to the field of its name.
func (d *decoder) mapping(prefix string, node *ast.MappingNode, dst reflect.Value) error {
	for _, entry := range node.Values {
		key := entry.Key.GetToken().Value
		if prefix != "" {
			key = prefix + "." + key
		}
		field, ok := fieldByKey(dst, entry.Key.GetToken().Value)
		if !ok {
			return unknownKey(d.at(entry.Key), key)
		}
		if err := d.assign(key, entry.Value, field); err != nil {
			return err
		}
	}
	return nil
}

// fieldByKey returns the field of a struct that has the given yaml name.
func fieldByKey(dst reflect.Value, name string) (reflect.Value, bool) {
	if dst.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	for i := range dst.NumField() {
		f := dst.Type().Field(i)
		if f.Anonymous { // its keys are those of the section
			if field, ok := fieldByKey(dst.Field(i), name); ok {
				return field, true
			}
		} else if yamlName(f) == name {
			return dst.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// yamlName returns the key of a field, "" when it has none.
func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" || !f.IsExported() {
		return ""
	}
	return name
}

// firstLine keeps an error on one line, whatever it quotes.
func firstLine(s string) string {
	line, rest, more := strings.Cut(s, "\n")
	if more && strings.TrimSpace(rest) != "" {
		line += " …"
	}
	return line
}
