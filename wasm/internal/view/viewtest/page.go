package viewtest

import "strings"

// The pages, as far as the client knows them, with the names of package markup. % is
// replaced by attributes of the root element.
const (
	chatPage = `<body id="gatehouse" data-page="chat" data-state="ready" data-boot="loading" data-instance="i" data-user="u" data-role="operator" data-device="d" data-keep="browser" %>` + shared + `
<aside id="sidebar">
 <input id="session-search" data-action="filter-sessions">
 <ul id="session-list">@sessions@</ul><p id="session-none" hidden>none</p>
 <span id="pending-badge"></span>
</aside>
<h1 id="session-title">Title</h1><span id="agent-name">Agent</span>
<div id="transcript"><button id="load-earlier" data-action="load-earlier" data-state="idle">earlier</button>
 <div id="messages">@messages@</div><div id="empty"></div></div>
<p id="caught-up"></p><button id="jump-latest" data-action="jump-latest" hidden>latest</button>
<ul id="unsent"></ul>
<form id="composer" data-action="send" data-state="idle"><ul id="attachments"></ul><div id="composer-grow" data-replica=""><textarea id="composer-input" data-action="compose"></textarea></div>
 <button data-action="stop-run">stop</button></form>
<p id="composer-limit"></p><div id="composer-long" hidden><b data-slot="excess"></b><button data-action="attach-text"></button></div>
<button id="settings" data-action="settings"></button>
<dialog id="rename-dialog" data-session-key="" data-state="idle"><form data-action="confirm-rename"><input id="rename-input"><p data-slot="error"></p></form></dialog>
<dialog id="delete-dialog" data-session-key=""><b data-slot="label"></b><button data-action="confirm-delete">yes</button></dialog>
<dialog id="settings-dialog"><input name="enter" value="auto" data-action="set-enter"><input name="enter" value="send" data-action="set-enter"><input name="enter" value="newline" data-action="set-enter"></dialog>
` + signOut + `
<template id="t-user-message"><article aria-label="" class="message message-user" data-message-id="" data-run-id="" data-seq="0" data-key="" data-status="" data-by-other="false">
 <time data-slot="time" datetime=""></time><span data-slot="author"></span><ul data-slot="files"></ul><span data-slot="percent"></span><div data-slot="body" data-format="text"></div><span data-slot="error"></span>
 <button data-action="resend-message"></button><button data-action="take-back"></button><button data-action="copy-message" data-state="idle"></button></article></template>
<template id="t-assistant-message"><article aria-label="" class="message message-assistant" data-message-id="" data-run-id="" data-seq="0" data-key="" data-status="" data-by-other="false">
 <span data-slot="name">Agent</span><time data-slot="time" datetime=""></time><div data-slot="thinking"></div><div data-slot="body" data-format="text"></div><span data-slot="activity"></span><span data-slot="error"></span>
 <button data-action="retry-run"></button><button data-action="copy-message" data-state="idle"></button></article></template>
<template id="t-system-message"><article aria-label="" class="message message-system" data-message-id="" data-run-id="" data-seq="0" data-key="" data-status="" data-by-other="false">
 <time data-slot="time" datetime=""></time><p data-slot="label"></p><div data-slot="body" data-format="text"></div></article></template>
<dialog id="picture-dialog"><p data-slot="filename"></p><a data-slot="link"></a><img data-slot="picture" alt=""></dialog>
<template id="t-file"><li data-kind="file"><a data-slot="link" data-action="open-file" title=""><img data-slot="picture" alt=""></a><a data-slot="link" title=""><b data-slot="filename"></b><i data-slot="size"></i></a></li></template>
<template id="t-attachment"><li data-file="" data-kind="file" data-state="waiting"><img data-slot="picture" alt=""><b data-slot="filename"></b><i data-slot="percent"></i><i data-slot="size"></i><i data-slot="error"></i>
 <button data-action="retry-file"></button><button data-action="remove-file"></button><progress max="100" value="0"></progress></li></template>
<template id="t-unsent"><li class="unsent-item" data-key=""><b data-slot="label"></b><span data-slot="error"></span><p data-slot="text"></p>
 <button data-action="resend-message"></button><button data-action="take-back"></button></li></template>
<template id="t-session"><li class="session" data-session-key="" data-state="idle" data-pinned="false" aria-current="false">
 <a href="/" title="" data-slot="link" data-action="open-session"><span data-slot="label"></span><time data-slot="time" datetime=""></time></a>
 <details><button data-action="rename-session"></button><button data-action="pin-session"></button><button data-action="delete-session"></button></details></li></template>
</body>`

	pairingPage = `<body id="gatehouse" data-page="pairing" data-state="connecting" data-instance="i" %>` + shared + `
<p id="pairing-code" data-code=""></p><button data-action="copy-pairing-code" data-state="idle"></button>
<img id="pairing-qr" hidden><span data-slot="remaining"></span>
<p data-slot="message"></p><span data-slot="seconds"></span><span data-slot="seconds"></span><button data-action="ask-again"></button>
<form data-action="name-device"><input id="device-name" value="Firefox on Windows"></form>
</body>`

	loginPage = `<body id="gatehouse" data-page="login" data-state="form" data-instance="i" %>` + toasts + `
<span data-slot="seconds"></span><button data-action="reconnect-now"></button><form id="login-form" data-action="sign-in" data-state="idle"><input id="token-input"></form>
</body>`

	adminPage = `<body id="gatehouse" data-page="admin" data-state="ready" data-instance="i" data-user="admin" data-role="admin" data-device="own" %>` + shared + `
<title id="title">Pairings · Gatehouse</title><span id="pending-badge"></span>
<main id="console"><p id="notices" data-state="unknown"><button data-action="ask-notices"></button></p>
<span id="pending-count"></span><ul id="pending-list"></ul><span id="pending-more" data-slot="count"></span><span id="pending-left" data-slot="count"></span><form data-action="find-code"><input id="find-code"></form><button data-action="deny-left"></button><ul id="device-list"></ul>
<ul id="resolved-list"><li data-state="denied"><span data-slot="device-name">old</span><time data-slot="time" datetime="2026-01-01T00:00:00Z">then</time></li></ul>
<dialog id="approve-dialog" data-code="" data-state="form" data-who="new" data-role="operator"><form data-action="confirm-approve">
 <p data-slot="code"></p><p data-slot="device-name"></p><p data-slot="browser"></p><p data-slot="address"></p>
 <input name="who" value="new" data-action="edit-approval"><input name="who" value="existing" data-action="edit-approval">
 <input name="user" data-action="edit-approval"><datalist id="known-users"></datalist><b data-slot="user"></b><b data-slot="new-user"></b><b data-slot="similar"></b><b data-slot="resembles"></b>
 <input name="role" value="viewer" data-action="edit-approval"><input name="role" value="operator" data-action="edit-approval"><input name="role" value="admin" data-action="edit-approval">
 <input name="label"><p data-slot="error"></p><span data-slot="role"></span><span data-slot="who"></span><span data-slot="who"></span>
 <button data-action="back"></button></form></dialog>
<dialog id="deny-dialog" data-code=""><p data-slot="code"></p><p data-slot="device-name"></p><b data-slot="count"></b><b data-slot="network"></b><button data-action="deny-network"></button><p data-slot="error"></p><button data-action="confirm-deny"></button></dialog>
<dialog id="revoke-dialog" data-device="" data-this="false"><p data-slot="label"></p><p data-slot="browser"></p><p data-slot="user"></p><p data-slot="error"></p><button data-action="confirm-revoke"></button></dialog>
</main>
` + signOut + `
<template id="t-pending"><li data-code="" data-device="" data-left="false"><p data-slot="code"></p><b data-slot="resembles"></b><p data-slot="device-name"></p><span data-slot="browser"></span><span data-slot="address"></span><time data-slot="since" datetime=""></time><span data-slot="remaining"></span>
 <button data-action="deny"></button><button data-action="approve"></button></li></template>
<template id="t-device"><li data-device="" data-user="" data-this="false"><span data-slot="label"></span><p data-slot="browser"></p><span data-slot="user"></span><span data-slot="role"></span><time data-slot="last-seen" datetime=""></time><time data-slot="since" datetime=""></time>
 <button data-action="revoke"></button></li></template>
<template id="t-resolved"><li data-state=""><span data-slot="device-name"></span><span data-slot="user"></span><span data-slot="role"></span><time data-slot="time" datetime=""></time></li></template>
<template id="t-known-user"><option value=""></option></template>
</body>`

	consolePage = `<body id="gatehouse" data-page="console" data-state="ready" data-instance="i" data-user="admin" data-role="admin" data-device="own" data-topics="clients keys" %>` + shared + `
<title id="title">Clients · Gatehouse</title><span id="pending-badge"></span>
<main id="console"><form id="filter" data-action="filter"></form>
<ul><li data-row="7"><b data-slot="user">anna</b><i data-slot="browser">Firefox</i><i data-slot="address">10.0.0.7</i><b data-slot="name">Report</b><i data-slot="key">gh_abc123</i>
 <time data-time="ago" datetime="2000-01-01T00:00:00Z">then</time><time data-time="clock" datetime="2000-01-01T00:00:00Z">then</time>
 <button data-action="disconnect"></button><button data-action="revoke-key"></button><button data-action="stop-session"></button></li></ul>
<button id="new-key" data-action="new-key"></button>
<section id="reload" data-state="idle"><button data-action="reload-config"></button><b data-slot="applied"></b><b data-slot="restart"></b><p data-slot="error"></p></section>
<dialog id="disconnect-dialog" data-row=""><b data-slot="user"></b><i data-slot="browser"></i><i data-slot="address"></i><p data-slot="error"></p><button data-action="confirm-disconnect"></button></dialog>
<dialog id="revoke-key-dialog" data-row=""><b data-slot="name"></b><i data-slot="key"></i><b data-slot="user"></b><p data-slot="error"></p><button data-action="confirm-revoke-key"></button></dialog>
<dialog id="key-dialog" data-state="form"><form data-action="confirm-key"><input name="name"><input name="user"><input name="role" value="operator"><input name="expires" value="90">
 <b data-slot="name"></b><b data-slot="user"></b><code data-slot="key"></code><p data-slot="error"></p><button data-action="copy-key" data-state="idle"></button></form></dialog>
</main>
` + signOut + `
</body>`

	shared = `<div id="connection" data-state="connecting"><span data-slot="seconds"></span><span data-slot="reason"></span><button data-action="reconnect-now"></button></div>` + toasts

	toasts = `<dialog id="doctor-dialog" data-state="checking"><i data-check="network" data-state="skipped"><b data-slot="finding"></b></i><i data-check="health" data-state="skipped"><b data-slot="finding"></b></i>
<i data-check="route" data-state="skipped"><b data-slot="finding"></b></i><i data-check="origin" data-state="skipped"><b data-slot="finding"></b></i><i data-check="socket" data-state="skipped"><b data-slot="finding"></b></i>
<p data-slot="message"></p><code data-slot="address"></code><button data-action="examine"></button></dialog><div id="announce"></div><div id="toasts"></div>
<template id="t-toast"><div data-kind=""><p data-slot="text"></p><button data-action="dismiss-toast"></button></div></template>`

	signOut = `<dialog id="sign-out-dialog"><span data-slot="unsent"></span><button data-action="confirm-sign-out"></button></dialog>`
)

// Chat returns the chat page with these attributes of the root, messages and sessions, as
// the gateway would render them.
func Chat(root, messages, sessions string) *Document {
	return Parse(strings.NewReplacer("%", root, "@messages@", messages, "@sessions@",
		sessions).Replace(chatPage))
}

// Pairing returns the page of a browser that is not approved yet.
func Pairing() *Document { return Parse(strings.Replace(pairingPage, "%", "", 1)) }

// Login returns the page where an admin signs in.
func Login() *Document { return Parse(strings.Replace(loginPage, "%", "", 1)) }

// Admin returns the page of pairings and devices.
func Admin() *Document { return Parse(strings.Replace(adminPage, "%", "", 1)) }

// Console returns another page of the admin console.
func Console() *Document { return Parse(strings.Replace(consolePage, "%", "", 1)) }
