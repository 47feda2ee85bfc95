package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// runner runs a command with the arguments that follow its name.
type runner func(ctx context.Context, args []string, out, errs io.Writer) error

// subcommand is a command of the program.
type subcommand struct {
	name     string    // such as "config check"
	args     string    // what it takes besides flags, such as URL
	does     string    // one line, for the list of commands
	about    string    // what else a user must know, for its own help; empty: nothing
	groups   []options // its flags
	run      runner
	byItself bool // gatehouse alone runs it
}

// options are flags that belong together.
type options struct {
	of    string // a title, for the list of all flags
	flags []option
}

// option is a flag, as help describes it.
type option struct{ name, does string } // does may have line breaks

var configOptions = options{of: "serve, config check, token, health, backup and restore", flags: []option{
	{"-config FILE", "the configuration file; default ./config.json5, if it exists"},
	{"-listen ADDR", "the address to listen at; default 127.0.0.1:8080"},
	{"-data-dir DIR", "the directory of the database, the files and the token"},
	{"-log-format FORMAT", "text or json"},
	{"-log-level LEVEL", "debug, info, warn or error"},
}}

var serveOptions = options{of: "serve", flags: []option{
	{"-accept-empty", "start with an empty database although the data directory\n" +
		"shows that there was one"},
}}

var restoreOptions = options{of: "restore", flags: []option{
	{"-check", "only check the backup, and change nothing"},
	{"-replace", "move the data that is there aside, into a directory of the\n" +
		"data directory, and restore the backup in its place"},
}}

var probeOptions = options{of: "doctor and conformance", flags: []option{
	{"-token-file FILE", "the file with a token, API key or device credential; - is\n" +
		"the standard input; default the variable GATEHOUSE_TOKEN"},
	{"-json", "print JSON"},
}}

var doctorOptions = options{of: "doctor", flags: []option{
	{"-origin URL", "also test whether pages of this origin may connect"},
}}

var conformanceOptions = options{of: "conformance, which needs an admin's token", flags: []option{
	{"-rows REGEXP", "run only the rows whose \"section: text\" matches"},
	{"-wait DURATION", "also run rows that must wait up to this long, such as 5m"},
	{"-proxied", "the gateway trusts this machine as a proxy: run faster"},
}}

// commands lists all commands, in the order of the help.
func commands() []subcommand {
	onConfig := []options{configOptions}
	return []subcommand{
		{name: "serve", byItself: true, does: "run the gateway (the default)", run: serveCommand,
			groups: []options{configOptions, serveOptions},
			about:  "Serves until SIGTERM or SIGINT. SIGHUP reads the configuration again."},
		{name: "config check", does: "check the configuration and list all errors",
			groups: onConfig, run: withConfig("config check", check),
			about: "Checks everything that serve checks before it listens, and changes nothing.\n" +
				"The database is checked only while no gateway uses it."},
		{name: "token", does: "print the admin's gateway token", groups: onConfig,
			run: withConfig("token", token),
			about: "Prints the token to standard output, and to standard error where the token\n" +
				"comes from. Creates nothing: the first start of serve generates the token."},
		{name: "health", does: "ask the running gateway whether it is ready", groups: onConfig,
			run: withConfig("health", health)},
		{name: "backup", args: "DIR", does: "copy all data into a new directory, also while serving",
			groups: onConfig, run: backupCommand,
			about: "DIR must not exist, or be empty. It gets the database, the files, the token, the\n" +
				"mark and certificates of the data directory, and a list of them with their\n" +
				"checksums, written last. A backup without that list is not complete."},
		{name: "restore", args: "DIR", does: "check a backup, and put it back as the data directory",
			groups: []options{restoreOptions, configOptions}, run: restoreCommand,
			about: "DIR is what gatehouse backup has made. The gateway must not run, and the data\n" +
				"directory must be empty unless -replace is given."},
		{name: "doctor", args: "URL", does: "find out why clients cannot connect to a gateway",
			groups: []options{probeOptions, doctorOptions}, run: doctorCommand},
		{name: "conformance", args: "URL", does: "test whether a gateway keeps the protocol",
			groups: []options{probeOptions, conformanceOptions}, run: conformanceCommand,
			about: "It needs an admin's token."},
		{name: "version", does: "print the version", run: printVersion},
		{name: "help", args: "[COMMAND]", does: "print this help, or that of a command",
			run: printHelp},
	}
}

// unknownCommand returns an error that proposes the command that was probably meant.
func unknownCommand(name string) error {
	var names []string
	for _, c := range commands() {
		if slices.Contains(strings.Fields(c.name), name) { // config, or check
			return fmt.Errorf("unknown command %q (did you mean %q?)", name, c.name)
		}
		names = append(names, c.name)
	}
	if near := config.Nearest(name, names); near != "" {
		return fmt.Errorf("unknown command %q (did you mean %q?)", name, near)
	}
	return fmt.Errorf("unknown command %q", name)
}

func commandNamed(name string) (subcommand, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return subcommand{}, false
}

const exitCodes = "Exit codes: 0 success, 1 failure or problems found, 2 wrong usage.\n"

const environment = `Environment: GATEHOUSE_CONFIG, GATEHOUSE_LISTEN, GATEHOUSE_DATA_DIR,
GATEHOUSE_GATEWAY_TOKEN. Flags win over the environment, the environment over
the file, the file over the defaults.
`

// usage is the help of the whole program.
func usage() string {
	var b strings.Builder
	b.WriteString("Gatehouse: chat with AI agents in the browser, through a gate that you keep.\n" +
		"\nUsage:\n\n")
	for _, c := range commands() {
		call := c.name
		switch {
		case c.byItself:
			call = "[" + c.name + "] [flags]"
		case c.args != "" && c.name != "help":
			call += " " + c.args
		}
		fmt.Fprintf(&b, "    gatehouse %-18s %s\n", call, c.does)
	}
	for _, g := range []options{configOptions, serveOptions, restoreOptions, probeOptions,
		doctorOptions, conformanceOptions} {
		fmt.Fprintf(&b, "\nFlags of %s:\n\n%s", g.of, g.list())
	}
	return b.String() + "\n" + exitCodes + "\n" + environment
}

// help is the help of one command.
func (c subcommand) help() string {
	var b strings.Builder
	call := c.name
	if len(c.groups) > 0 {
		call += " [flags]"
	}
	if c.args != "" {
		call += " " + c.args
	}
	fmt.Fprintf(&b, "gatehouse %s: %s.\n\nUsage:\n\n    gatehouse %s\n", c.name, c.does, call)
	if c.about != "" {
		fmt.Fprintf(&b, "\n%s\n", c.about)
	}
	if len(c.groups) > 0 {
		b.WriteString("\nFlags:\n\n")
	}
	usesConfig := false
	for _, g := range c.groups {
		b.WriteString(g.list())
		usesConfig = usesConfig || g.of == configOptions.of
	}
	b.WriteString("\n" + exitCodes)
	if usesConfig {
		b.WriteString("\n" + environment)
	}
	return b.String()
}

// list describes the flags, one or more lines each.
func (g options) list() string {
	const indent = "                        "
	var b strings.Builder
	for _, o := range g.flags {
		fmt.Fprintf(&b, "    %-19s %s\n", o.name, strings.ReplaceAll(o.does, "\n", "\n"+indent))
	}
	return b.String()
}

// printHelp is the command gatehouse help.
func printHelp(_ context.Context, args []string, out, _ io.Writer) error {
	// gatehouse -h -listen is about all commands, gatehouse -h serve about one.
	name := strings.Join(slices.DeleteFunc(slices.Clone(args), isFlag), " ")
	if name == "config" {
		name = "config check"
	}
	if name == "" {
		fmt.Fprint(out, usage())
		return nil
	}
	c, ok := commandNamed(name)
	if !ok {
		return usageError{unknownCommand(name)}
	}
	fmt.Fprint(out, c.help())
	return nil
}
