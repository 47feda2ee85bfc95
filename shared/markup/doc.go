// Package markup is the contract between the pages, which the server renders with
// templ, and the WebAssembly client that takes them over: element ids, data attributes,
// template ids, slots, actions, states, and the addresses that both write. Both sides
// use its constants instead of spelling a name. The texts that both compute (ages,
// sizes, names of browsers…) come from package words.
//
// The words used here:
//
//	root      the <body>, whose attributes say what the page shows
//	slot      an element with data-slot, whose text or address the client sets
//	template  a <template> that the client clones
//	action    what the user asks for, by an element with data-action
//	state     the value of data-state, by which the style sheet shows one wording
//	          of several
//
// # Ground rules
//
// The client never builds HTML from strings. It clones a <template> (ids Template…),
// fills the clone's slots through textContent, sets attributes named here, and toggles
// hidden. The component that renders an element into a page also renders the template, from
// a zero model. So a cloned element and one that the server rendered have the same child
// elements, attributes and slots. There are only two exceptions to textContent: [SlotBody], into which the client puts blocks that the
// server has sanitised, and elements with [AttrLive], which the client updates from a
// newly fetched page of this server (below).
//
// Texts are in the markup. Where the wording depends on a state, all wordings are
// present, marked data-when="state …", and the style sheet shows the right one. To
// change a state, the client therefore writes one attribute: [AttrState] on a component,
// [AttrStatus] on a message, [AttrPinned] on a session. The client supplies only values:
// names, codes, times, numbers and the server's sentences.
//
// The style sheet hides an empty slot, together with the words around it. To hide a
// slot, set its text to "" (not to a space). Toggle the attribute hidden only where this
// documentation says so.
//
// # Actions
//
// An element with [AttrAction] asks for that Action…. The event that starts the action
// depends on the element: submit for a form; input for a textarea or text-like input; change for a
// select, radio or checkbox; click for everything else. The client listens on the root,
// takes the closest ancestor of the event's target that has the attribute, and prevents
// the default. If a link with an action is clicked with a modifier key or another button
// than the first, the browser opens the link as usual. Attributes of the closest message, session, card, row or
// dialog around the element say what the action is about (below).
//
// # The root
//
// <body id="gatehouse">, [IDRoot], carries
//
//	data-base         path under which people reach the gateway, such as "/chat"; empty
//	                  at the root of its host. Every address that the client writes or
//	                  asks begins with it.
//	data-page         PageChat, PagePairing, PageLogin, PageAdmin, PageConsole,
//	                  PageNotice or PageDocs
//	data-state        the state of the page (State… constants, per page below)
//	data-boot         BootLoading as served; the client sets BootReady once its
//	                  listeners are attached; the loader sets BootFailed when
//	                  WebAssembly is missing or does not start, and BootStopped when
//	                  the client has ended. The style sheet shows a note while the
//	                  client takes long to load, has failed or has stopped.
//	data-instance     id of this gateway; every key in browser storage begins with it
//	data-user         user id; empty when nobody is signed in
//	data-role         viewer, operator or admin; empty when nobody is signed in
//	data-device       public id of this browser's device; empty when there is none
//	data-session-key  chat: the session shown; empty for a new one
//	data-epoch        chat: epoch of that session's log; empty for a new one
//	data-last-seq     chat: the last seq that the rendered transcript includes
//	data-has-more     chat: "true" when earlier messages exist, else "false"
//	data-enter        what Enter does in the composer, EnterSend or EnterNewline; the
//	                  loader writes it, by the user's choice and the main pointer
//	data-owner        chat: the owner of the session, if an admin looks at another
//	                  user's; empty for the user's own
//	data-topics       console: protocol.Topic… values, separated by spaces: the page
//	                  is out of date when one of them changes; empty for none
//	data-keep         where unsent messages are stored: KeepBrowser, as served, or
//	                  KeepTab if they are lost when the tab is closed
//
// The "Load earlier" button is shown if data-has-more is "true". The loader's own
// <script> has data-wasm, the address of the client's module, and data-exec, the address
// of Go's wasm_exec.js.
//
// Clock times that the server rendered are in the server's time zone: rewrite the text
// of each <time> from its datetime.
//
// # On every page but the notice
//
// [IDTitle] is the <title>. For an admin it begins with the number of pending pairings,
// if there are any: "(2) ".
//
// [IDPendingBadge], on an admin's chat and on every page of the console: its text is the
// number of pending pairings, empty for none.
//
// [IDConnection], the connection pill: data-state LinkConnecting, LinkConnected,
// LinkReconnecting (slot seconds, and a button with ActionReconnectNow),
// LinkFailing (several tries in a row have failed; slot seconds, and buttons with
// ActionReconnectNow and ActionExamine), LinkSlow (connected but rate limited; slot
// seconds until the gateway accepts requests again), LinkOffline (the browser says that
// there is no network; a button with ActionReconnectNow) or LinkRefused (slot reason;
// the same button). It is not a live region: write state changes that a screen reader
// should speak to [IDAnnounce].
//
// [IDDoctorDialog] says what is wrong with the connection; ActionExamine runs its checks.
// data-state is DoctorChecking, then the diagnosis: DoctorFine, DoctorOffline,
// DoctorSilent, DoctorStranger, DoctorRoute, DoctorFull, DoctorHost, DoctorOrigin or
// DoctorUpgrade, each with its own text. There is an element for each check: data-check (Check…
// values), data-state CheckBusy, CheckGood, CheckBad or CheckSkipped, and slot finding
// ("HTTP 502"). Slots message (the gateway's sentence) and address (the page's scheme,
// host and port; on several elements: set them all).
//
// [IDAnnounce]: a visually hidden polite live region; screen readers speak its text.
//
// [IDToasts]: a polite live region; append clones of [TemplateToast] (data-kind
// KindInfo, KindGood or KindProblem; slot text; ActionDismissToast).
//
// Dialogs are <dialog> elements, opened with showModal. ActionCloseDialog closes the
// dialog around it. The browser closes dialogs on Escape. The loader returns the focus to
// where it came from, and moves it on when the focused control is removed or hidden.
//
// # Chat
//
// Root states: StateReady; StateGone (this session was deleted elsewhere);
// StateRevoked and StateSignedOut (a panel covers the page and hides the transcript;
// empty the transcript and the session list all the same).
//
// The sidebar [IDSidebar] is a popover on narrow screens. The browser opens and closes
// it without a script. After navigating without a page load, call hidePopover on it if
// it matches :popover-open.
//
// [IDSessionList] holds items of [TemplateSession], pinned first, then newest
// activity first: attributes data-session-key, data-state (SessionIdle or
// SessionRunning), data-pinned ("true" or "false"), aria-current ("page" on the
// one shown, else "false"); slots label (also set the title attribute of the
// link), time (a <time>: set its datetime too). The link (in slot link) has
// ActionOpenSession and needs its href set. Each has a <details> with
// ActionRenameSession, ActionPinSession, ActionDeleteSession; close the details
// after one is used. [IDSessionSearch] has ActionFilterSessions; set hidden on
// items that do not match and unhide [IDSessionNone] when none does.
//
// [IDSessionTitle] and [IDAgentName]: text.
//
// [IDTranscript] scrolls, and is laid out bottom up (flex-direction column-reverse), so
// it shows the latest message before any script runs and stays there while text arrives,
// until the user scrolls up. Hence scrollTop is 0 at the latest message and NEGATIVE
// above it: the distance from the latest message is -scrollTop, "jump to latest" is
// scrollTop = 0, and prepending earlier messages moves nothing. Unhide [IDJumpLatest]
// (ActionJumpLatest) while the distance is more than a few lines.
//
// [IDMessages] holds the messages, oldest first, and nothing else, not even text nodes:
// while it is :empty the style sheet shows [IDEmpty], the greeting. The greeting's chips
// have ActionSuggest and data-text, the text for the composer.
// [IDLoadEarlier]: ActionLoadEarlier, data-state LoadIdle or LoadBusy.
//
// A message is a clone of [TemplateUserMessage], [TemplateAssistantMessage] or
// [TemplateSystemMessage], by its protocol role, with
//
//	data-message-id, data-run-id, data-seq   as in the protocol, else empty
//	data-key       idempotency key of the user's own message while it has no id
//	data-status    below
//	data-by-other  "true" if somebody other than the session's owner wrote it: shows
//	               slot author instead of "You", and "written by an admin". If
//	               data-owner is not empty, the author of every message is shown.
//
// and slots
//
//	body      the text. data-format FormatText: set textContent, line breaks are
//	          kept. FormatHTML: its element children are the answer's blocks, in
//	          order and nothing else, so block i is body.children[i].
//	time      a <time>: clock time as text; datetime as RFC 3339
//	author    user, system: user id of the author, if data-by-other is "true" or
//	          data-owner is not empty
//	name      assistant: the agent's name
//	label     system: the label given when injected
//	thinking  assistant: text of the collapsed thinking; the <details> around it
//	          is not shown while it is empty
//	activity  assistant, StatusStreaming: "thinking…", "retrying…", "using …", or why
//	          the run waits and for how long (words.Waiting).
//	          If it is empty, only the moving dots are shown.
//	error     assistant, StatusFailed and user, StatusUnsent: the sentence why
//	files     user: holds a clone of [TemplateFile] for each file, in order
//	percent   user, StatusUploading: how much of the files is uploaded
//
// A file has [AttrNoText] if the agent gets only its name (protocol.Media.NoText), and
// data-kind KindImage (shows the picture) or KindFile (shows a chip). Its
// slots: link (two elements: set title, and href once there is an address), filename,
// size (words.Size) and picture, an <img>: set src, alt, and width and height from
// [PictureSize], so that the layout does not move when it loads. ActionOpenFile, on the
// picture's link, opens [IDPictureDialog]: slots filename, picture, and link (set href
// and download).
//
// Statuses of a user message:
//
//	StatusUploading  its files are being uploaded; ActionTakeBack
//	StatusSending    sent, and not acknowledged yet
//	StatusWaiting    kept until there is a connection; ActionTakeBack
//	StatusPaused     kept until the rate limit allows it
//	StatusUnsent     refused; slot error; ActionResendMessage and ActionTakeBack
//	StatusQueued     stored, its run has not begun; ActionTakeBack
//	StatusComplete   its run has begun
//	StatusWithdrawn  taken back
//
// Statuses of an answer: StatusStreaming (shows a caret), StatusComplete, StatusAborted
// ("Stopped") and StatusFailed (slot error); the last two have ActionRetryRun. A complete
// answer whose data-finish is FinishLength or FinishFilter shows a sentence that says why it
// stops early. A system message is always StatusComplete.
//
// Every message has a button with ActionCopyMessage. To show "Copied", set the button's
// data-state to CopyDone, then back to CopyIdle. Code blocks in a body may hold a button
// with ActionCopyCode, which works the same; the code is the text of the <pre> beside it.
//
// The foot of a message is one line high in every status, so nothing moves when a run
// starts or ends.
//
// [IDUnsent] holds an item of [TemplateUnsent] for each refused message of another chat:
// data-key; slots label (the chat), error (the sentence why), text; ActionResendMessage
// and ActionTakeBack. It is hidden while it is empty.
//
// [IDCaughtUp] is a live region for a short note about missed events that have now
// arrived. Empty it after a few seconds.
//
// The composer is the form [IDComposer], ActionSend, data-state ComposerIdle or
// ComposerRunning (shows the stop button, ActionStopRun, beside or instead of send).
// [IDComposerInput] has ActionCompose. It grows by CSS. For browsers without
// field-sizing, set data-replica of [IDComposerGrow] to the input's value on each input
// event (harmless in others). [IDComposerLimit] is a slot for "1,204 characters left".
// While the text is too long, unhide [IDComposerLong]: slot excess (words.Length of what is
// too much) and ActionAttachText, which turns the text into a file. For a viewer the form
// is served
// hidden, with a note in its place: send nothing. If data-owner is not empty, radio
// buttons named [FieldWriteAs], with ActionWriteAs, stand above the form: AsNote, checked
// as served, adds a note and starts no run; AsMessage sends a message.
//
// [IDAttachments], in the form, holds a [TemplateAttachment] for each attached file:
// data-file (its key), data-kind, data-state FileUploading (slot percent, and value of
// the <progress>), FileWaiting, FileReady, FileFailed (slot error) or FileStuck (slot
// error; a later try may succeed: ActionRetryFile); slots filename, size and picture as
// above; ActionRemoveFile. Users attach files by the input [IDAttach], by pasting, and by
// dropping them on the page; while files are dragged over the page data-drag of [IDRoom]
// is "true". For viewers the input is disabled: accept no files.
//
// Dialogs: [IDRenameDialog] (data-session-key; data-state FormIdle or FormBusy; form with
// ActionConfirmRename; input [IDRenameInput]; slot error), [IDDeleteDialog] (data-session-key; slot label;
// ActionConfirmDelete), [IDSignOutDialog] (opened by ActionSignOut; ActionConfirmSignOut;
// slot unsent: the number of unsent messages that would be lost), [IDSettingsDialog]
// (opened by ActionSettings; radio buttons named [FieldEnter] with ActionSetEnter, values
// EnterAuto, EnterSend and EnterNewline).
//
// # Pairing
//
// Root states: StateConnecting (also the neutral shell), StateWaiting,
// StateApproved, StateDenied, StateExpired, StateRevoked, StateSignedOut (the user has
// just signed out here: nothing is asked for until ActionAskAgain), StateUnreachable,
// StateWrongAddress (the gateway refuses this page's origin or host), StatePairingOff,
// StateTooMany, StateNoCookies. Fill these slots and elements in every state:
//
//	[IDPairingCode]   text from GroupCode; data-code the bare code
//	slot remaining    how long the code stays valid (words.Remaining)
//	slot seconds      StateDenied, StateTooMany: seconds until the browser may ask
//	                  again, empty for now; StateUnreachable, StateWrongAddress: seconds until
//	                  the next attempt. It is on several elements: set them all.
//	[IDPairingQR]     <img>, served hidden; set src, unhide
//	[IDDeviceName]    input with the name the admin will see; ActionNameDevice on
//	                  the form around it
//	slot message      StatePairingOff, StateTooMany, StateUnreachable: the server's
//	                  sentence, if there is one
//
// Actions: ActionCopyPairingCode (data-state CopyIdle, CopyDone), ActionAskAgain
// (in StateDenied, StateExpired, StateRevoked, StateSignedOut, StateTooMany,
// StateNoCookies; set the disabled
// attribute until the seconds are over), ActionReconnectNow
// (StateUnreachable, StateWrongAddress).
//
// # Login
//
// Root states: StateForm, StateRedeeming (a code in the fragment is being
// redeemed), StateLinkFailed (used or expired; the form stays), StateTokenRefused
// (the form stays), StateTooMany (slot seconds), StateUnreachable, StateNoCookies,
// StateWrongAddress (the gateway, or something in its place, takes no sign-in at this
// address: link and token were not checked), StateSuccess. Form [IDLoginForm] with ActionSignIn, data-state FormIdle or
// FormBusy; input [IDTokenInput].
//
// # The admin console
//
// Root states of all of its pages: StateReady, StateRevoked, StateSignedOut, StateNoCookies. [IDConsole]
// holds everything that is shown, the dialogs included: empty it when the user may no
// longer read it. PageAdmin is the page of pairings and devices; PageConsole is every
// other page.
//
// Elements with data-live="name" follow the server. When one of data-topics has changed,
// or an action of this page may have changed something, the client fetches the page
// again, parses it without running anything, and updates each of these elements from the
// one of the same name: attributes, texts and children. Children with data-row, a key
// that is unique among siblings, are matched by it, and moved if they have moved; a table
// has data-row as well, because the texts beside it come and go. Unchanged elements are
// not touched. Apart from data-topics, nothing else on the page changes.
//
// The client rewrites a <time> with data-time: TimeAgo by words.Ago, and keeps it
// current; TimeClock in the reader's time zone and language.
//
// A form with ActionFilter has method="get" and no action attribute, so it works without
// the client. With the client its fields that are not empty become the query of the
// address, and the page is fetched again. Only such forms have a method; the loader keeps
// the browser from submitting other forms.
//
// Actions of a row: ActionStopSession (data-row is the session's key), ActionDisconnect
// (data-row is the connection's id; slots user, browser, address), ActionRevokeKey
// (data-row is the key's id; slots name, key, user). The last two open
// [IDDisconnectDialog] and [IDRevokeKeyDialog]: copy data-row and the slots to the
// dialog. The dialogs have slot error, and ActionConfirmDisconnect or
// ActionConfirmRevokeKey.
//
// ActionNewKey opens [IDKeyDialog]: data-state KeyForm, KeyBusy or KeyMade. Form
// ActionConfirmKey with fields by name attribute: FieldName, FieldUser, FieldRole
// (select), FieldExpires (select, in days, 0 for never). Slots name, user and key of
// the new key, and error; ActionCopyKey (data-state CopyIdle, CopyDone). Empty slot key
// once the dialog is closed.
//
// [IDReload]: data-state ReloadIdle, ReloadBusy, ReloadDone (slots applied and
// restart, names of settings), ReloadUnchanged or ReloadFailed (slot error);
// ActionReloadConfig.
//
// # Pairings and devices
//
// [IDNotices]: data-state NoticesUnknown as served, then NoticesAbsent,
// NoticesInsecure, NoticesOff (ActionAskNotices), NoticesOn or NoticesDenied.
//
// [IDPendingList] holds [TemplatePending] cards: data-code, data-device, data-left
// ("true": the requester is gone); slots code (GroupCode), device-name, browser, address,
// since (a <time>), remaining, resembles (a known name that the device's name resembles).
// Actions ActionApprove and ActionDeny open the dialogs. The form with [IDFindCode] has
// ActionFindCode. [IDPendingMore] and [IDPendingLeft]: how many requests are not listed, and
// how many have left, as text, empty for none; ActionDenyLeft denies the latter. [IDPendingCount]: the number as
// text, empty for none. Like the list of messages, these lists hold nothing but their
// items, and the style sheet shows a note while they are empty.
//
// [IDDeviceList] holds [TemplateDevice] rows: data-device, data-user, data-this
// ("true" on the browser in use); slots label, browser, user, role, last-seen (a
// <time>), since (a <time>). ActionRevoke opens the dialog.
//
// [IDResolvedList] holds [TemplateResolved] lines, newest first: data-state
// ResolvedApproved, ResolvedDenied, ResolvedExpired, ResolvedWithdrawn (by the requester),
// ResolvedRevoked or ResolvedSignedOut (by the device itself); slots device-name, user,
// role, time.
//
// [IDApproveDialog]: data-code; data-state ApproveForm, ApproveConfirm (asks again before
// it gives the role admin) or ApproveBusy; data-who WhoNew or WhoExisting and data-role
// follow the radio buttons. Slots code, device-name, browser, address, who ("a new user"
// or a user id; on several elements: set them all), role (likewise), resembles, user (the
// named user, who exists), new-user (the named user, who does not exist), similar (a known
// user that looks like the named one), error. The form has
// ActionConfirmApprove, its controls have ActionEditApproval; ActionBack leaves
// ApproveConfirm. Inputs by name attribute: FieldWho (radio), FieldUser (text with
// datalist [IDKnownUsers], whose options are clones of [TemplateKnownUser]: set value),
// FieldRole (radio), FieldLabel (text).
//
// [IDDenyDialog]: data-code; slots code, device-name, count and network (how many requests
// the network has, empty for one); ActionConfirmDeny, ActionDenyNetwork.
// [IDRevokeDialog]: data-device, data-this; slots label, browser, user;
// ActionConfirmRevoke. Both have slot error.
package markup
