package trainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
)

// mayDiffer are the keys that a resumed run may set to something else: they say where and how
// long, not what is computed.
var mayDiffer = []string{
	"output_dir", "device", "max_steps", "save_steps", "save_total_limit", "logging_steps",
	"eval_steps", "eval_dataset", "eval", "log_completions", "micro_batch_tokens", "gradient_checkpointing",
}

// sameRun refuses to go on with a configuration that is not that of the run at path, its
// config.yaml. A run without one is new.
func sameRun(path string, c *Config) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	before, err := LoadConfig(path, nil, NeedScore)
	if err != nil {
		return err
	}
	if key := difference("", reflect.ValueOf(*before), reflect.ValueOf(*c)); key != "" {
		return fmt.Errorf("resume: %s is not what it was in %s; set it back, or start a new run in another output_dir", key, path)
	}
	return nil
}

// difference is the first key that differs and may not, "" if there is none.
func difference(prefix string, a, b reflect.Value) string {
	for i := range a.NumField() {
		key := yamlName(a.Type().Field(i))
		if prefix != "" {
			key = prefix + "." + key
		}
		x, y := a.Field(i), b.Field(i)
		if slices.Contains(mayDiffer, key) || strings.HasSuffix(key, ".") || reflect.DeepEqual(x.Interface(), y.Interface()) {
			continue
		}
		if x.Kind() == reflect.Pointer && !x.IsNil() && !y.IsNil() {
			x, y = x.Elem(), y.Elem()
		}
		if x.Kind() != reflect.Struct {
			return key
		}
		if deeper := difference(key, x, y); deeper != "" {
			return deeper
		}
	}
	return ""
}

// checkData notes the dataset's checksum in a new run's state and refuses another dataset in a
// resumed one.
func (s *State) checkData(d dataset) error {
	if s.Step > 0 && s.Data != d.sum {
		return fmt.Errorf("resume: %s is not the file it was when the run began", d.path)
	}
	s.Data = d.sum
	return nil
}
