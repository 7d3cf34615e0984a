// Command rlkd trains a student model to reason along its teacher's steps, and runs each stage
// of that alone. Results and rows go to stdout as JSON lines, logs to stderr. It exits with 0
// only on success; what went wrong is one line on stderr.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // so that writing to a closed pipe is an error like any other
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the program without its surroundings. It returns the exit code.
func run(args []string, in io.Reader, out, log io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			code = 1
			fmt.Fprintf(log, "rlkd: internal error: %s; please report it; RLKD_DEBUG=1 shows where\n", oneLine(fmt.Sprint(p)))
			if os.Getenv("RLKD_DEBUG") != "" {
				log.Write(debug.Stack())
			}
		}
	}()
	logrus.SetOutput(log)
	logrus.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: "15:04:05"})
	switch err := newApp(in, out, log).Run(args); {
	case err == nil:
		return 0
	case !errors.Is(err, syscall.EPIPE): // else nobody reads on, and nothing is wrong here
		fmt.Fprintln(log, "rlkd: "+oneLine(err.Error()))
	}
	return 1
}

// oneLine joins the lines of a message.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func newApp(in io.Reader, out, log io.Writer) *cli.App {
	app := &cli.App{
		Name:    "rlkd",
		Usage:   "distil a teacher's reasoning structure into a student by reinforcement learning",
		Version: version(),
		Reader:  in, Writer: out, ErrWriter: log,
		DisableSliceFlagSeparator: true, // a comma may be part of a --set
		OnUsageError:              usageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // run prints errors
		Action:                    noCommand,
		Commands: []*cli.Command{
			dataCommand(), labelCommand(),
			trainCommand(), sftCommand(), planCommand(), generateCommand(), tokenizeCommand(), logprobsCommand(), stepCommand(),
			scoreCommand(), auditCommand(), serveCommand(), decomposeCommand(), agreeCommand(), evalCommand(), mergeCommand(), doctorCommand(),
		},
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		c.Before = noArguments
	}
	return app
}

// version is that of the module, with the commit if the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}

// noCommand shows the help, or says that its argument is no command.
func noCommand(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("unknown command %q. %s", c.Args().First(), cli.SuggestCommand(c.App.Commands, c.Args().First()))
	}
	return cli.ShowAppHelp(c)
}

// noArguments refuses what is not a flag: all commands read stdin and files named by flags.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("%s: unexpected argument %q; see rlkd %[1]s --help", c.Command.Name, c.Args().First())
	}
	return nil
}

// usageError explains flags that do not parse, with the nearest flag for an unknown one.
func usageError(c *cli.Context, err error, isSubcommand bool) error {
	flags, name := c.App.Flags, ""
	if isSubcommand {
		flags, name = c.Command.Flags, c.Command.Name+": "
	}
	if _, flag, unknown := strings.Cut(err.Error(), "flag provided but not defined: -"); unknown {
		return fmt.Errorf("%sunknown flag --%s; did you mean %s?", name, flag, cli.SuggestFlag(flags, flag, false))
	}
	return fmt.Errorf("%s%w", name, err)
}
