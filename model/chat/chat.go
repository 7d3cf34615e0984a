package chat

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Options are what a template is rendered with besides the messages.
type Options struct {
	AddGenerationPrompt bool           // end where the assistant's answer begins
	Vars                map[string]any // further variables, of types encoding/json can write
	Now                 time.Time      // the time strftime_now tells; zero: the current one
}

// Template is a parsed chat template. It is safe for concurrent use.
type Template struct {
	source  string
	special map[string]string
	program *exec.Template
}

// Parse reads a template. special holds the special tokens it may name, such
// as "bos_token" and "eos_token". The error names the line.
func Parse(source string, special map[string]string) (t *Template, err error) {
	defer recovered(&err, "parse chat template")
	rewritten, err := rewrite(source)
	if err != nil {
		return nil, fmt.Errorf("parse chat template: %w", err)
	}
	settings := config.New()
	settings.KeepTrailingNewline = true
	const name = "/chat_template"
	loader, err := loaders.NewMemoryLoader(map[string]string{name: rewritten})
	if err != nil {
		return nil, fmt.Errorf("parse chat template: %w", err)
	}
	program, err := exec.NewTemplate(name, settings, loader, environment)
	if err != nil {
		return nil, fmt.Errorf("parse chat template: %w", describe(err))
	}
	return &Template{source: source, special: special, program: program}, nil
}

// Source returns the template as it was given to Parse.
func (t *Template) Source() string { return t.source }

// Render returns the text of a conversation. An error names the line of the
// template and the message, also that of a raise_exception in the template.
func (t *Template) Render(messages []Message, o Options) (text string, err error) {
	defer recovered(&err, "render chat template")
	if messages == nil {
		messages = []Message{}
	}
	list, err := toValue(messages)
	if err != nil {
		return "", fmt.Errorf("render chat template: messages: %w", err)
	}
	vars := map[string]any{"tools": none(false), "documents": none(false)}
	for name, token := range t.special {
		vars[name] = token
	}
	for name, v := range o.Vars {
		if vars[name], err = toValue(v); err != nil {
			return "", fmt.Errorf("render chat template: variable %s: %w", name, err)
		}
	}
	vars["messages"], vars["add_generation_prompt"] = list, o.AddGenerationPrompt
	vars["strftime_now"] = strftimeNow(o.Now)
	if text, err = t.program.ExecuteToString(exec.NewContext(vars)); err != nil {
		return "", fmt.Errorf("render chat template: %w", describe(err))
	}
	return text, nil
}

// recovered turns a panic of the engine into an error.
func recovered(err *error, doing string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: the template engine failed: %v", doing, p)
	}
}

// wrapping is what the engine puts before the errors of this package's functions.
var wrapping = regexp.MustCompile(`(?s)^.*invalid call to (filter 'operand'|filter 'at'|function 'raise_exception'): `)

var atLine = regexp.MustCompile(`(?:at line |\bLine: )(\d+)`)

// describe shortens the engine's chain of errors to the innermost line and message.
func describe(err error) error {
	line := 0
	if found := atLine.FindAllStringSubmatch(err.Error(), -1); found != nil {
		line, _ = strconv.Atoi(found[len(found)-1][1]) // the pattern has digits only
	}
	message := wrapping.ReplaceAllString(innermost(err).Error(), "")
	var syntax *parser.SyntaxError
	if errors.As(innermost(err), &syntax) {
		line, message = syntax.Line, fmt.Sprintf("%s near %q", strings.TrimSuffix(syntax.Message, "."), syntax.Raw)
	}
	message = strings.Join(strings.Fields(message), " ") // errors have one line
	if line == 0 {
		return errors.New(message)
	}
	return fmt.Errorf("line %d: %s", line, message)
}

// innermost follows the engine's errors, which wrap each other in three ways.
func innermost(err error) error {
	for {
		var next error
		switch e := err.(type) {
		case *exec.Value:
			next, _ = e.Interface().(error)
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		case interface{ Cause() error }:
			next = e.Cause()
		}
		if next == nil {
			return err
		}
		err = next
	}
}
