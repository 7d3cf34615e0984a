package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ReadConfig reads the configuration of a Hugging Face directory or of a .gguf file and nothing
// else: the weights of a directory need not be there.
func ReadConfig(path string) (c Config, err error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		var o *object
		if o, err = readObject(filepath.Join(path, configFile)); err == nil {
			c, err = parseHFConfig(o)
		}
	} else if err == nil {
		c, err = readGGUFConfig(path)
	}
	if err != nil {
		err = fmt.Errorf("open model: %w", err)
	}
	return c, err
}

func readGGUFConfig(path string) (c Config, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	g, err := openGGUF(f)
	if err != nil {
		return c, err
	}
	return ggufConfig(path, g)
}

// ReadAdapterConfig reads adapter_config.json in a directory as PEFT writes it and nothing else.
func ReadAdapterConfig(dir string) (LoRA, error) {
	o, err := readObject(filepath.Join(dir, adapterConfigFile))
	if err != nil {
		return LoRA{}, fmt.Errorf("open adapter: %w", err)
	}
	l, err := parseLoRA(o)
	if err != nil {
		return LoRA{}, fmt.Errorf("open adapter: %w", err)
	}
	return l, nil
}
