package config

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// maxSecretFileBytes bounds a file that contains a secret.
const maxSecretFileBytes = 64 << 10

// readSecrets reads the secrets that are kept in files. An agent without a key gets
// the one that the environment has for its provider, if any.
func (l *loader) readSecrets() {
	g := &l.config.Gateway
	if g.TokenFile != "" {
		g.Token = l.secretFile("gateway.token_file", g.TokenFile, secret(16))
	}
	if w := &l.config.Webhook; w.SecretFile != "" {
		w.Secret = l.secretFile("webhook.secret_file", w.SecretFile, signingSecret())
	}
	for _, name := range l.config.agentNames() {
		a := l.config.Agents.List[name]
		path := join("agents.list", name)
		switch {
		case a.APIKeyFile != "":
			a.APIKey = l.secretFile(path+".api_key_file", a.APIKeyFile, secret(1))
		case !l.isGiven(path+".api_key") && !l.isGiven(path+".api_key_file"):
			a.APIKey = l.secretVariable(path, a)
		}
		l.config.Agents.List[name] = a
	}
}

// secretFile returns the secret in a file, without white space around it. If there
// is none, it adds a fault and returns an unset Secret.
func (l *loader) secretFile(path, file string, k kind[Secret]) Secret {
	at := l.locationOf(path)
	data, mode, err := readAtMost(file, maxSecretFileBytes+1)
	switch {
	case err != nil:
		l.fault(at, path, fmt.Sprintf(
			"must name a file that can be read: %s: %v", strconv.Quote(file), reason(err)))
		return Secret{}
	case len(data) > maxSecretFileBytes:
		l.fault(at, path, fmt.Sprintf("%s is larger than %d bytes; it must hold the secret alone",
			strconv.Quote(file), maxSecretFileBytes))
		return Secret{}
	}
	l.checkMode(path, file, uint32(mode))
	s, problems := k.read(node{shape: shapeText, text: strings.TrimSpace(string(data))})
	for _, p := range problems {
		l.fault(at, path, "what "+strconv.Quote(file)+" holds "+p.text)
	}
	return s
}

// checkMode warns if others than the owner can read or change the file of the key at path.
func (l *loader) checkMode(path, file string, mode uint32) {
	can := "read"
	if mode&0o022 != 0 {
		can = "changed"
	}
	if mode&0o066 != 0 && runtime.GOOS != "windows" {
		l.warn(l.locationOf(path), path, fmt.Sprintf(
			"%s can be %s by others than its owner (mode %#o): run chmod 600 on it",
			strconv.Quote(file), can, mode))
	}
}

// checkFileMode warns if the configuration file has secrets and everybody on the machine
// can read it, or if everybody can change it. A group may read the file, since a service
// often reads a file of root.
func (l *loader) checkFileMode(mode uint32) {
	const mend = "run chmod 640 or 600 on it"
	at := location{source: l.config.File}
	switch {
	case runtime.GOOS == "windows" || mode&0o007 == 0:
	case mode&0o002 != 0:
		l.warn(at, "", fmt.Sprintf("every user of this machine can change the file (mode %#o): %s",
			mode, mend))
	default:
		if secrets := l.inlineSecrets(); len(secrets) > 0 {
			l.warn(at, "", fmt.Sprintf("every user of this machine can read the file (mode %#o), "+
				"which holds %s: %s", mode, strings.Join(secrets, ", "), mend))
		}
	}
}

// inlineSecrets returns the paths of the secrets that the file itself contains.
func (l *loader) inlineSecrets() (paths []string) {
	secrets := []string{"gateway.token", "webhook.secret"}
	for _, name := range l.config.agentNames() {
		secrets = append(secrets, join("agents.list", name)+".api_key")
	}
	for _, path := range secrets {
		if at, given := l.given[path]; given && at.source == l.config.File {
			paths = append(paths, path)
		}
	}
	return paths
}

// secretVariable returns the API key that the environment has for the agent's
// provider. It warns if that key will be sent to a server that is not the provider's.
func (l *loader) secretVariable(path string, a Agent) Secret {
	variable := a.Provider.keyVariable()
	value := l.env[variable]
	if value == "" {
		return Secret{}
	}
	source := "environment " + variable
	s, problems := secret(1).read(node{shape: shapeText, text: value})
	l.problems(source, path+".api_key", problems)
	if s.IsSet() && !a.usesProviderServer() {
		l.warn(location{source: source}, path+".api_key", fmt.Sprintf(
			"this key is sent to %s; to send another one, set api_key or api_key_file", a.BaseURL))
	}
	return s
}
