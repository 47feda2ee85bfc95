package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// configFlags adds the flags that choose and override the configuration.
func configFlags(set *flag.FlagSet, f *config.Flags) {
	set.StringVar(&f.ConfigFile, "config", "", "")
	set.StringVar(&f.Listen, "listen", "", "")
	set.StringVar(&f.DataDir, "data-dir", "", "")
	set.StringVar(&f.LogFormat, "log-format", "", "")
	set.StringVar(&f.LogLevel, "log-level", "", "")
}

// flagSet returns an empty set of flags that prints nothing.
func flagSet(name string) *flag.FlagSet {
	set := flag.NewFlagSet("gatehouse "+name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	return set
}

// parse parses flags and at most one other argument, in any order. It returns that
// argument; want says in words what the argument is, "" that there must be none. The
// error is a usageError.
func parse(set *flag.FlagSet, args []string, want string) (argument string, err error) {
	found := false
	for {
		if err := set.Parse(args); err != nil {
			return "", usageError{proposeFlag(set, err)}
		}
		if err := refuseEmpty(set); err != nil {
			return "", usageError{err}
		}
		switch args = set.Args(); {
		case len(args) == 0 && want != "" && !found:
			return "", usageError{fmt.Errorf("%s needs %s", set.Name(), want)}
		case len(args) == 0:
			return argument, nil
		case args[0] == "" && want != "" && !found: // such as "$URL" of a variable that is not set
			return "", usageError{fmt.Errorf("%s needs %s, and got an empty text", set.Name(), want)}
		case found || want == "" || args[0] == "":
			return "", usageError{fmt.Errorf("unexpected argument %q", args[0])}
		}
		argument, args, found = args[0], args[1:], true
	}
}

// refuseEmpty refuses a flag with an empty value, such as -data-dir "$DATA" where the
// variable is not set: another directory would be used, without a word.
func refuseEmpty(set *flag.FlagSet) (err error) {
	set.Visit(func(f *flag.Flag) {
		if err == nil && f.Value.String() == "" {
			err = fmt.Errorf("-%s has an empty value; give it one, or leave -%s out", f.Name, f.Name)
		}
	})
	return err
}

// proposeFlag adds to the error for an unknown flag the flag that was probably meant.
func proposeFlag(set *flag.FlagSet, err error) error {
	unknown, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return err
	}
	var names []string
	set.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	near := config.Nearest(unknown, names)
	for _, name := range names { // -data for -data-dir
		if near == "" && strings.HasPrefix(name, unknown+"-") {
			near = name
		}
	}
	if near != "" {
		return fmt.Errorf("unknown flag -%s (did you mean -%s?)", unknown, near)
	}
	return fmt.Errorf("unknown flag -%s", unknown)
}

// withConfig makes a command whose flags are those of the configuration.
func withConfig(name string, do func(ctx context.Context, f config.Flags, out, errs io.Writer) error) runner {
	return func(ctx context.Context, args []string, out, errs io.Writer) error {
		var f config.Flags
		set := flagSet(name)
		configFlags(set, &f)
		if _, err := parse(set, args, ""); err != nil {
			return err
		}
		return do(ctx, f, out, errs)
	}
}
