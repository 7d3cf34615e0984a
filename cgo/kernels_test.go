package torch_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"golang.org/x/sys/cpu"
)

// The kernels are those that the CPU has instructions for, or what RLKD_KERNELS names.
func TestKernelsByName(t *testing.T) {
	best := "none"
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		best = "avx2"
	}
	if cpu.X86.HasAVX512BF16 {
		best = "avx512"
		if cpu.X86.HasAMXBF16 {
			best = "amx"
		}
	}
	for name, want := range map[string]string{"": best, best: best, "none": "none"} {
		if a := ask(t, "kernels", "", "RLKD_KERNELS="+name); a.Result != want {
			t.Errorf("RLKD_KERNELS=%q: %s, want %s", name, a.Result, want)
		}
	}
	const want = "RLKD_KERNELS=mmx: no kernels of that name, or this CPU lacks the instructions; unset it, or set it to "
	if a := ask(t, "kernels", "", "RLKD_KERNELS=mmx"); !a.Unavailable || !strings.HasPrefix(a.Result, want) {
		t.Errorf("%q, want %q …", a.Result, want)
	}
}

// Where the CPU could run others than the best kernels, these are tested too.
func TestLesserKernels(t *testing.T) {
	lesser := map[string][]string{"amx": {"avx512", "avx2"}, "avx512": {"avx2"}}[torch.Kernels()]
	if os.Getenv("RLKD_KERNELS") != "" || lesser == nil {
		t.Skip("all kernels that run here are tested anyway")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range lesser {
		tests := exec.Command(self, "-test.run=Kernel|PackedLinear|Draw|Filter|Decode|Gathering|ManyRows|AddMM|TreeAttention|LogSoftmax|Split|AdamW", "-test.v")
		tests.Env = append(os.Environ(), "RLKD_KERNELS="+name)
		if out, err := tests.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestKernelGradients") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
