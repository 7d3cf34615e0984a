package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/ebitengine/purego"
	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Usage:       "show what was found on this machine, and what to do about what is missing",
		Description: `Writes one line for each part; with --json one {"part", "ok", "found", "advice"} for each.`,
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "write JSON lines"}},
		Action:      doctor,
	}
}

// finding is what was found of one part of the machine.
type finding struct {
	Part   string `json:"part"`
	OK     bool   `json:"ok"` // there is nothing to do
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"` // what to do if it is not ok
}

func doctor(c *cli.Context) error {
	var all []finding
	err := torch.Run(func() error {
		all = []finding{libtorch(), processor(), threads(), memory(), cuda(), nvml(), precision()}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range all {
		if c.Bool("json") {
			err = writeRow(c, f)
		} else {
			err = f.print(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f finding) print(c *cli.Context) error {
	mark, advice := "ok", ""
	if !f.OK {
		mark, advice = "--", "; "+f.Advice
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s  %-9s %s%s\n", mark, f.Part, oneLine(f.Found), advice)
	return err
}

func libtorch() finding {
	return finding{Part: "libtorch", OK: true, Found: torch.Version()}
}

func processor() finding {
	f := finding{Part: "cpu", OK: true, Found: fmt.Sprintf("%s, kernels for %s", runtime.GOARCH, torch.CPUCapability())}
	if runtime.GOARCH == "amd64" && !cpu.X86.HasAVX2 {
		f.OK, f.Advice = false, "without AVX2 expect it to be many times slower"
	}
	return f
}

func threads() finding {
	n, cpus := torch.Threads(), runtime.NumCPU()
	f := finding{Part: "threads", OK: true, Found: fmt.Sprintf("%d, of %d processors", n, cpus)}
	if set := os.Getenv("OMP_NUM_THREADS"); set != "" && n < cpus {
		f.OK, f.Advice = false, fmt.Sprintf("OMP_NUM_THREADS=%s holds it back; unset it to use them all", set)
	}
	return f
}

func memory() finding {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return finding{Part: "memory", Found: "unknown: " + err.Error(), Advice: "look at it with the system's own tools"}
	}
	total := float64(info.Totalram) * float64(info.Unit) / (1 << 30)
	f := finding{Part: "memory", OK: total >= 4, Found: fmt.Sprintf("%.1f GiB", total)}
	if !f.OK {
		f.Advice = "the quick start needs some 4 GiB; lower micro_batch_tokens or set gradient_checkpointing"
	}
	return f
}

func cuda() finding {
	device, err := torch.FindDevice("cuda")
	if err != nil {
		found := strings.TrimPrefix(err.Error(), `device "cuda": `)
		found, _, _ = strings.Cut(found, "; use --device")
		return finding{Part: "cuda", Found: found,
			Advice: "to use an NVIDIA GPU install its driver and set LIBTORCH to a libtorch with CUDA; the CPU works without"}
	}
	return finding{Part: "cuda", OK: true, Found: string(device)}
}

func nvml() finding {
	const library = "libnvidia-ml.so.1"
	if _, err := purego.Dlopen(library, purego.RTLD_NOW); err != nil {
		return finding{Part: "nvml", Found: err.Error(),
			Advice: "it comes with the NVIDIA driver and is of use only with a GPU"}
	}
	return finding{Part: "nvml", OK: true, Found: library}
}

// precision shows what device: auto and dtype: auto stand for on this machine.
func precision() finding {
	device, dtype, err := trainer.Device("auto", "auto")
	if err != nil {
		return finding{Part: "auto", Found: err.Error(), Advice: "choose by device and dtype in the configuration"}
	}
	return finding{Part: "auto", OK: true, Found: fmt.Sprintf("device %s, dtype %s", device, dtype)}
}
