package architecture

import (
	"cmp"
	"flag"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
)

//go:generate go test -run TestPageListsPackages -count 1 . -update

var update = flag.Bool("update", false, "write the list of packages into the manual")

// TestPageListsPackages holds that the architecture page names every package, with
// the first sentence of its documentation.
func TestPageListsPackages(t *testing.T) {
	docstest.Generated(t, "architecture", *update, func(text string) string {
		return docstest.Embed(t, text, "packages", packageList(t))
	})
}

// packageList groups the packages by where they lie.
func packageList(t *testing.T) string {
	var b strings.Builder
	var group string
	for _, dir := range packageDirs(t) {
		if g := groupOf(dir); g != group {
			group = g
			b.WriteString("\n`" + g + "`:\n\n")
		}
		name := strings.TrimPrefix(dir, group+"/")
		b.WriteString("- `" + name + "` " + synopsis(t, dir) + "\n")
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// packageDirs are the directories of the tree with Go files other than tests,
// from the root and sorted.
func packageDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || e.Name() == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			dirs = append(dirs, path.Dir(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	slices.SortStableFunc(dirs, func(a, b string) int {
		return cmp.Compare(slices.Index(groups, groupOf(a)), slices.Index(groups, groupOf(b)))
	})
	return dirs
}

// groups are the directories under which packages are listed, in this order.
var groups = []string{"server/internal", "server/cmd", "shared", "web", "wasm/internal", "wasm", "server"}

// groupOf is the group of a package, the longest that it is under.
func groupOf(dir string) (group string) {
	for _, g := range groups {
		if (dir == g || strings.HasPrefix(dir, g+"/")) && len(g) > len(group) {
			group = g
		}
	}
	return group
}

// synopsis is the first sentence of a package's documentation, without its name.
func synopsis(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`^(?:Package|Command) [a-z0-9]+ `).FindString(parsed.Doc.Text())
		if m == "" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		text := strings.TrimPrefix(new(doc.Package).Synopsis(parsed.Doc.Text()), m)
		return strings.NewReplacer("[", "", "]", "").Replace(strings.TrimSuffix(text, "."))
	}
	t.Errorf("package %s has no documentation", dir)
	return ""
}

// TestPageSpeaksOfWhatIsThere finds paths on the manual's pages that a renaming
// has left behind.
func TestPageSpeaksOfWhatIsThere(t *testing.T) {
	t.Parallel()
	found := 0
	for name, text := range docstest.Pages(t) {
		for _, m := range regexp.MustCompile("`((?:server|shared|wasm|web)/[A-Za-z0-9_./]+)`").FindAllStringSubmatch(text, -1) {
			found++
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && m[1] != "server/internal/agent/NAME" {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile("`make ([a-z]+)").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(read(t, "Makefile"), "\n"+m[1]+":") {
				t.Errorf("%s names make %s, which does not exist", name, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("%d paths", found)
	}
}

// TestPageHasTheSizeLedger holds that the page names all that the client does not
// link for its weight.
func TestPageHasTheSizeLedger(t *testing.T) {
	t.Parallel()
	_, ledger, _ := strings.Cut(docstest.Page(t, "architecture"), "\n## The size ledger\n")
	for _, r := range browser {
		heavy, ok := r.(unlinked)
		if !ok {
			continue
		}
		for _, name := range heavy.what {
			if name = path.Base(strings.TrimSuffix(name, "/...")); !strings.Contains(ledger, name+"`") {
				t.Errorf("the ledger has no row about %s", name)
			}
		}
	}
}

// TestContributingListsTargets holds the table of commands to the Makefile.
func TestContributingListsTargets(t *testing.T) {
	t.Parallel()
	page := docstest.Page(t, "contributing")
	for _, target := range regexp.MustCompile(`(?m)^([a-z][a-z-]*):.*## `).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		if target[1] != "help" && !strings.Contains(page, "\n| `make "+target[1]+"` | ") {
			t.Errorf("contributing.md has no row for make %s", target[1])
		}
	}
}

// TestManualBlocks holds that each code block says how it is tested, and counts
// those that are not.
func TestManualBlocks(t *testing.T) {
	t.Parallel()
	const untested = 11
	n := 0
	for _, b := range docstest.Blocks(t, "") {
		switch {
		case b.Reason != "":
			n++
		case docstest.Kinds[b.Kind] == "":
			t.Errorf("%s.md:%d: nothing says how this block is tested, or why it is not (kind %q)", b.Page, b.Line, b.Kind)
		}
		if b.Language == "json5" && b.Kind != "config" {
			t.Errorf("%s.md:%d: a configuration that is not checked", b.Page, b.Line)
		}
		if b.Language == "mermaid" && b.Page != docstest.Readme {
			t.Errorf("%s.md:%d: the gateway shows no diagrams; use a table or a drawing in text", b.Page, b.Line)
		}
	}
	if n != untested {
		t.Errorf("%d blocks are not tested, want %d", n, untested)
	}
}

// TestManualMake holds that the targets in blocks of that kind exist, and that the
// blocks have nothing else.
func TestManualMake(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	for _, b := range docstest.Blocks(t, "make") {
		for line := range strings.Lines(b.Text) {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "make" || !strings.Contains(makefile, "\n"+words[1]+":") {
				t.Errorf("%s.md:%d: %q is no target", b.Page, b.Line, line)
			}
		}
	}
}

// TestManualDocker holds the commands with docker against the Dockerfile, since
// running them needs an engine.
func TestManualDocker(t *testing.T) {
	t.Parallel()
	dockerfile, commands := read(t, "Dockerfile"), read(t, "web/docs/commands.md")
	blocks := docstest.Blocks(t, "docker")
	if len(blocks) < 4 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		for line := range strings.Lines(strings.ReplaceAll(b.Text, "\\\n", " ")) {
			words := strings.Fields(line)
			if len(words) < 3 || words[0] != "docker" || !slices.Contains([]string{"build", "run", "exec", "logs", "kill"}, words[1]) {
				t.Errorf("%s.md:%d: %q", b.Page, b.Line, line)
			}
		}
		for _, m := range regexp.MustCompile(`-p [0-9]+:([0-9]+)`).FindAllStringSubmatch(b.Text, -1) {
			if !strings.Contains(dockerfile, "EXPOSE "+m[1]+"\n") {
				t.Errorf("%s.md:%d: the image does not listen on %s", b.Page, b.Line, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`-v [a-z]+:(/\S+)`).FindAllStringSubmatch(b.Text, -1) {
			if !strings.Contains(dockerfile, "VOLUME "+m[1]+"\n") {
				t.Errorf("%s.md:%d: the image has no volume %s", b.Page, b.Line, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`/gatehouse ((?:config )?[a-z]+)`).FindAllStringSubmatch(b.Text, -1) {
			if !strings.Contains(commands, "gatehouse "+m[1]+" ") {
				t.Errorf("%s.md:%d: there is no gatehouse %s", b.Page, b.Line, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`GATEHOUSE_[A-Z_]+`).FindAllString(b.Text, -1) {
			if !strings.Contains(commands, m) {
				t.Errorf("%s.md:%d: gatehouse does not know %s", b.Page, b.Line, m)
			}
		}
	}
}

// TestManualUnit holds the unit on the page to the one in server/deploy, and has
// systemd verify it where there is one.
func TestManualUnit(t *testing.T) {
	t.Parallel()
	const file = "server/deploy/gatehouse.service"
	unit := read(t, file)
	blocks := docstest.Blocks(t, "unit")
	if len(blocks) != 1 || blocks[0].Text != unit {
		t.Errorf("the unit on the page is not that of %s", file)
	}
	if !strings.Contains(unit, "\nExecStart=/usr/local/bin/gatehouse -config /etc/gatehouse/config.json5 -data-dir /var/lib/gatehouse\n") {
		t.Error("the unit starts something else than the page says")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("there is no systemd-analyze to verify the unit")
		return
	}
	// The program has to be there to be verified.
	there := filepath.Join(t.TempDir(), "gatehouse.service")
	if err := os.WriteFile(there, []byte(strings.Replace(unit, "/usr/local/bin/gatehouse", "/bin/true", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", there).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestReadmeIsShort holds the README to what is read at one sitting, and its pictures
// to what loads at once.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	if n := len(read(t, "README.md")); n > 10_000 {
		t.Errorf("the README has %d bytes, at most 10,000 are wanted: move something to web/docs", n)
	}
	pictures, err := filepath.Glob(filepath.Join(root, "web/docs/pictures/*"))
	if err != nil || len(pictures) != 2 {
		t.Errorf("pictures %v, %v", pictures, err)
	}
	for _, file := range pictures {
		if info, err := os.Stat(file); err != nil || info.Size() > 120_000 {
			t.Errorf("%s has more than 120 kB, or cannot be read: %v", file, err)
		}
	}
}

// fixedLimits are the rows of the page of fixed limits, each with the constants
// that set it, as expressions for the source text.
var fixedLimits = map[string][]string{
	"a frame in either direction":            {`MaxFrameBytes\s+= 512 << 10`},
	"a frame before `connect` has succeeded": {`MaxPendingFrameBytes\s+= 16 << 10`},
	"depth of JSON":                          {`MaxDepth\s+= 64`},
	"text of a message":                      {`MaxMessageBytes\s+= 256 << 10`},
	"files of a message":                     {`MaxMedia\s+= 10\b`},
	"queued messages of a session, besides the one being answered":              {`MaxQueuedRuns\s+= 10\b`},
	"sessions that one `connect` resumes":                                       {`MaxResume\s+= 100\b`},
	"messages of one `chat.history`":                                            {`MaxHistoryLimit\s+= 200\b`},
	"events of one `chat.replay`":                                               {`MaxReplayLimit\s+= 2000\b`},
	"requests that a user makes at once under `gateway.rate_limit_rpm`":         {`(?:user|request)Burst\s+= 5\b`},
	"files that a user uploads in a row under `gateway.rate_limit_rpm`":         {`uploadBurst = protocol.MaxMedia`},
	"unsent data of a slow client":                                              {`QueueBytes, 1<<20`, `QueueFrames, 1024\b`},
	"searches of one user at a time":                                            {`first: make\(chan struct\{\}, 1\)`},
	"searches of all users at a time":                                           {`GOMAXPROCS\(0\)/2`, `turn.New\("searches", turn.HalfTheProcessors\(\)\)`},
	"searches, or pages, of one user that wait":                                 {`MaxWaiting\s+= 16\b`, `MaxWait\s+= 5 \* time.Second`},
	"pages with long texts of one user that are formatted at a time":            {`first: make\(chan struct\{\}, 1\)`},
	"pages of all users that are formatted at a time":                           {`turn.New\("long texts", max\(2, runtime.GOMAXPROCS\(0\)\)\)`},
	"text that is formatted for one page":                                       {`maxPage\s+= 256 << 10`},
	"formatted text that is kept in memory":                                     {`cacheBytes\s+= 16 << 20`},
	"costly calls of one connection at a time":                                  {`maxApart\s+= 4\b`},
	"sessions that one page of `sessions.list` looks at":                        {`maxLooked\s+= 100_000\b`, `maxSearch\s+= 2 \* time.Second`},
	"time for one page of `audit.list`":                                         {`maxSearch\s+= 5 \* time.Second`},
	"from the upgrade to `connect`":                                             {`HelloTimeout\s+= 10 \* clock.Second`, `Hello, 10\*time.Second`},
	"between two pings":                                                         {`PingInterval\s+= 30 \* clock.Second`, `Ping, 30\*time.Second`},
	"silence of a client before its connection is closed":                       {`ReadTimeout\s+= 60 \* clock.Second`, `Read, 60\*time.Second`},
	"writing one frame to a full socket":                                        {`WriteTimeout\s+= 10 \* clock.Second`, `Write, 10\*time.Second`},
	"headers of an HTTP request":                                                {`ReadHeaderTimeout: 10 \* time.Second`},
	"a call's own work in the gateway":                                          {`callTimeout\s+= 20 \* time.Second`},
	"sign-in link":                                                              {`LinkLife\s+= 10 \* time.Minute`},
	"pairing code":                                                              {`PairingExpiry\s+= 60 \* clock.Minute`},
	"history of decided pairings":                                               {`keepResolved\s+= 30 \* 24 \* time.Hour`},
	"calls without a credential, for each address":                              {`calls(?:A|Per)Minute\s+= 60\b`},
	"polls for a pairing, for each address":                                     {`polls(?:A|Per)Minute\s+= 240\b`},
	"wrong tokens, for each address":                                            {`(?:tokensA|guessesPer)Minute\s+= 10\b`},
	"guesses at the gateway token, for each address":                            {`checksPerMinute\s+= 600\b`},
	"pairings of one `device.pair.list`":                                        {`maxListedPending\s+= 200\b`},
	"pairings that one `device.pair.deny` denies":                               {`maxDenied\s+= 200\b`},
	"place of a pairing whose page is open, when all places are taken":          {`fairTime\s+= 10 \* time.Minute`},
	"device cookie that was issued and not used yet":                            {`issuedLife\s+= time.Hour`},
	"pending pairings, for each address":                                        {`maxPerNetwork\s+= 3\b`},
	"pause after a denial, for its address, or the network that was denied":     {`denialCooldown\s+= time.Minute`},
	"log entries about refusals, for each address":                              {`lines(?:A|Per)Minute\s+= 6\b`},
	"an answer with its thinking":                                               {`maxAnswer\s+= 400 << 10`},
	"a run, whatever `agents.list.NAME.timeout` is":                             {`maxRun\s+= 2 \* time.Hour`},
	"attempts before the first word":                                            {`maxTries\s+= 4\b`, `retryWindow\s+= time.Minute`, `limitWindow\s+= 2 \* time.Minute`},
	"text of a session that a model gets":                                       {`historyBytes\s+= 512 << 10`},
	"text of one response of a model server":                                    {`maxStreamBytes\s+= 32 << 20`},
	"the rest of a model server's stream after the reason why the answer ended": {`finishWait = 5 \* time.Second`},
	"one event, or one line, of a model server's stream":                        {`maxLineBytes\s+= 4 << 20`},
	"an answer of a model server that is no stream":                             {`maxWholeBytes\s+= 4 << 20`},
	"an image's pixels":                                                         {`maxPixels\s+= 50_000_000`},
	"an image's side":                                                           {`maxSide\s+= 16384`},
	"text of a PDF that is kept for models":                                     {`MaxText = 256 << 10`, `MaxPages = 500\b`},
	"time and memory to read a PDF":                                             {`Timeout = 10 \* time.Second`, `maxMemory = 512 << 20`, `maxPDFs = 2\b`},
	"API keys at a time":                                                        {`maxKeys\s+= 500\b`},
	"life of an API key that expires":                                           {`maxKeyLife\s+= 3650 \* 24 \* time.Hour`},
	"file of the configuration":                                                 {`maxFileBytes\s+= 1 << 20`},
	"queued webhook events":                                                     {`maxQueued\s+= 100\b`},
	"webhook requests at a time":                                                {`maxAtOnce\s+= 4\b`},
	"pause that a webhook's receiver can ask for":                               {`maxRetryAfter\s+= 10 \* time.Minute`},
	"file of the gateway token":                                                 {`maxTokenBytes\s+= 1024`},
	"name of an API key":                                                        {`maxKeyName\s+= 120\b`},
	"name of a file":                                                            {`maxName\s+= 180\b`},
	"uploads at a time":                                                         {`maxUserUploads\s+= 4\b`, `maxUploads\s+= 64\b`},
	"sign-in links that are valid at a time":                                    {`maxLinks\s+= 64\b`},
	"wrong tokens on one connection":                                            {`maxWrongTokens\s+= 5\b`},
	"`id` of a request":                                                         {`MaxIDLength\s+= 128\b`},
	"`user_id`, `sessionKey`":                                                   {`MaxUserIDLength\s+= 255\b`, `MaxSessionKeyLength\s+= 255\b`},
	"`sender_id`, `idempotencyKey`":                                             {`MaxSenderIDLength\s+= 128\b`, `MaxIdempotencyLength\s+= 128\b`},
	"label of a session or device":                                              {`MaxLabelLength\s+= 120\b`},
	"name of a device":                                                          {`MaxDeviceNameLength\s+= 80\b`},
	"entries of one list":                                                       {`MaxListLimit\s+= 200\b`, `maxAuditLimit\s+= 200\b`},
	"`offset` of `sessions.list`":                                               {`MaxListOffset\s+= 10_000\b`},
	"a formula that is shown as one, not as its source":                         {`MaxSource = 8 << 10\b`, `maxDisplay\s+= mathml.MaxSource\b`},
	"the same, within a line of text":                                           {`maxInlineMath\s+= 2 << 10\b`},
	"text of a filter of the audit log":                                         {`maxAuditFilter\s+= 255\b`, `maxFilter\s+= 255\b`},
}

// TestManualLimits holds the page of fixed limits to the constants, wherever they
// stand.
func TestManualLimits(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	for _, dir := range packageDirs(t) {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(docstest.Page(t, "limits"), -1) {
		if m[1] == "what" {
			continue
		}
		rows[m[1]] = true
		if len(fixedLimits[m[1]]) == 0 {
			t.Errorf("nothing holds the limit of %q", m[1])
		}
	}
	for row, constants := range fixedLimits {
		if !rows[row] {
			t.Errorf("limits.md has no row %q", row)
		}
		for _, c := range constants {
			if !regexp.MustCompile(c).MatchString(sources.String()) {
				t.Errorf("%s: no source has %s", row, c)
			}
		}
	}
}
