package firefox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// quiet are preferences with which Firefox connects to no servers but the tests'.
const quiet = `
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.region.network.url", "");
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.server", "");
`

// Start starts Firefox with a profile of its own. preferences are more lines of its
// user.js; "" is none.
func Start(t testing.TB, preferences string, args ...string) *rig.Program {
	t.Helper()
	path := os.Getenv("E2E_FIREFOX")
	if path == "" {
		path = rig.FindCommand(t, "firefox-esr", "firefox-esr", "firefox")
	}
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	lines := strings.TrimSpace(quiet) + "\n" + preferences
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return rig.Start(t, rig.Command{
		Path: path, Args: append([]string{"--headless", "--no-remote", "--profile", profile}, args...),
		Env: []string{"HOME=" + home, "MOZ_CRASHREPORTER_DISABLE=1"},
	})
}
