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

// Where the kernels are for AVX512-BF16, those for AVX2 run too.
func TestKernelsForAVX2(t *testing.T) {
	if os.Getenv("RLKD_KERNELS") != "" || torch.Kernels() != "avx512" {
		t.Skip("all kernels that run here are tested anyway")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := exec.Command(self, "-test.run=Kernel|PackedLinear|Draw|Decode|Gathering|ManyRows|AddMM|TreeAttention|LogSoftmax|Split|AdamW", "-test.v")
	tests.Env = append(os.Environ(), "RLKD_KERNELS=avx2")
	if out, err := tests.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestKernelGradients") {
		t.Errorf("%v\n%s", err, out)
	}
}
