package files

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkStudent opens the default student and reads all of its weights
// (`make student` fetches it).
func BenchmarkStudent(b *testing.B) {
	cache := os.Getenv("RLKD_CACHE")
	if cache == "" {
		cache = filepath.Join("..", "..", ".cache")
	}
	path := filepath.Join(cache, "student", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil {
		b.Skip(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			open(b, path).Close()
		}
	})
	b.Run("read", func(b *testing.B) {
		m := open(b, path)
		b.ReportAllocs()
		for b.Loop() {
			for _, name := range m.Names() {
				if _, _, err := m.Read(name); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
