package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "show what was found on this machine, and what to do about what is missing",
		Description: `Writes one line for each part; with --json one {"part", "ok", "found", "advice"} for each.
Exits with 1 if the part health is not ok: then nothing will run. The others are advice.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "write JSON lines"},
			&cli.BoolFlag{Name: "health", Usage: "look at that part alone: it uses no GPU, so a container's health check may"},
		},
		Action: doctor,
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
		if !c.Bool("health") {
			all = []finding{libtorch(), processor(), threads(), memory(), cuda(), nvml(), precision()}
		}
		all = append(all, health())
		return nil
	})
	if err != nil {
		all = []finding{missing("libtorch", err), {Part: "health", Found: "there is no libtorch", Advice: "see above"}}
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
	if last := all[len(all)-1]; !last.OK {
		return errors.New("doctor: not healthy: " + last.Found)
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
	f := finding{Part: "cpu", OK: true, Found: fmt.Sprintf("%s, libtorch's kernels for %s, our own for %s", runtime.GOARCH, torch.CPUCapability(), torch.Kernels())}
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
		return missing("cuda", err)
	}
	return finding{Part: "cuda", OK: true, Found: fmt.Sprintf("%s, CUDA %s", device, cudaVersion(torch.CUDAVersion()))}
}

// missing is the finding of what an error says is missing.
func missing(part string, err error) finding {
	var u *torch.Unavailable
	if errors.As(err, &u) {
		return finding{Part: part, Found: u.Why, Advice: u.Do}
	}
	return finding{Part: part, Found: err.Error(), Advice: "the CPU works without"}
}

func cudaVersion(n int) string { return fmt.Sprintf("%d.%d", n/1000, n%1000/10) }

func nvml() finding {
	n, err := torch.QueryNVIDIA()
	if err != nil {
		return missing("nvml", err)
	}
	f := finding{Part: "nvml", OK: true, Found: fmt.Sprintf("driver %s for CUDA %s", n.Driver, cudaVersion(n.CUDA))}
	for i, g := range n.GPUs {
		f.Found += fmt.Sprintf("; GPU %d: %s, %s GiB, %s used, %s %% busy, %s °C", i, g.Name,
			told(float64(g.Total)/(1<<30), "%.1f"), told(float64(g.Used)/(1<<30), "%.1f"),
			told(float64(g.Utilization), "%.0f"), told(float64(g.Temperature), "%.0f"))
	}
	return f
}

// told formats what a GPU tells; what it does not tell is below 0.
func told(n float64, format string) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprintf(format, n)
}

// health tells whether a program that runs here can go on: libtorch computes, and the driver,
// if there is one, answers. It makes no use of a GPU, whose memory may be taken.
func health() finding {
	var sum float64
	err := torch.Try(func() error {
		x := torch.Full(2, torch.Float32, torch.CPU, 64, 64)
		sum = x.MatMul(x).Sum().Item()
		return nil
	})
	if err == nil && sum != 64*64*64*4 {
		err = fmt.Errorf("a product of matrices of 2 sums up to %g", sum)
	}
	if err != nil {
		return finding{Part: "health", Found: "libtorch does not compute: " + err.Error(), Advice: "fetch it again by make libtorch"}
	}
	n, err := torch.QueryNVIDIA()
	switch {
	case err == nil:
		return finding{Part: "health", OK: true, Found: fmt.Sprintf("libtorch computes, %d GPUs answer", len(n.GPUs))}
	case n.Driver != "": // the driver works, a GPU does not
		return missing("health", err)
	}
	return finding{Part: "health", OK: true, Found: "libtorch computes, on the CPU"}
}

// precision shows what device: auto and dtype: auto stand for on this machine.
func precision() finding {
	device, dtype, err := trainer.Device("auto", "auto")
	if err != nil {
		return finding{Part: "auto", Found: err.Error(), Advice: "choose by device and dtype in the configuration"}
	}
	return finding{Part: "auto", OK: true, Found: fmt.Sprintf("device %s, dtype %s", device, dtype)}
}
