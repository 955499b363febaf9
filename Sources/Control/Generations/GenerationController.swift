import Clusters
import Istio
import Loop
import Plan
import Proxy
import Wire

/// From a change to a generation that every worker has, on the main thread. One at a time: what changes meanwhile makes the
/// next one.
///
///     change → settle → look (compile thread) → names (resolver) → tables (compile thread) → publish → acknowledged
package final class GenerationController: EventHandler {
    private enum Stage {
        case idle
        /// The compile thread reads and compiles.
        case looking
        /// The plan waits for names that were never resolved, until a time.
        case resolving(Plan, TLSContexts, until: UInt64)
        /// The compile thread builds tables.
        case building
    }

    /// How long a generation waits for names that were never resolved.
    package static let namesWaitMilliseconds: UInt64 = 2000

    /// When listening is tried again where it failed: first after this, at last after that.
    package static let listenAgainMilliseconds: UInt64 = 1000
    package static let listenAgainMillisecondsMax: UInt64 = 30_000

    /// What serves is written down so long after a generation: many in a row cost one file.
    package static let keepMilliseconds: UInt64 = 2000

    /// A certificate's time is looked at after this time at the latest: clocks are set.
    private static let certificatesSecondsMax: UInt64 = 7 * 86_400
    /// Causes of which nothing is said when nothing came of them.
    private static let quietCauses: Set<String> = ["files changed", "certificates changed", "certificates' time"]

    private let loop: EventLoop
    private let builder: GenerationBuilder
    private let resolver: Resolver
    private let host: any GenerationHost
    private let outliers: OutlierController
    private let log: (String) -> Void

    private var stage = Stage.idle
    private var settling = Settling()
    private var causes: [String] = []
    private var names = NameResolution()
    private var addressesChanged = false
    private var began: UInt64 = 0
    private var listenAgainAt = UInt64.max
    private var keepAt = UInt64.max
    private var certificatesAt = UInt64.max
    private var isAskingCertificates = false
    private var mustAskCertificates = false
    /// What the last look renewed, in words.
    private var renewals = ""
    /// Takes the paths of certificates to watch; says whether there are new ones among them. Set before `start`.
    package var onCertificateFiles: (Set<String>) -> Bool = { _ in false }
    private var listenAgainIn = GenerationController.listenAgainMilliseconds
    private var look = Look()
    /// The Proxy as the process was started with: what it says of workers and admin holds until the end.
    private var startedAs: ProxyResource?

    /// The plan that serves.
    package private(set) var plan: Plan?
    private var contexts = TLSContexts()
    /// The clusters that serve, for admin.
    package private(set) var clusters: ClusterTable?
    package var report: GenerationReport {
        var report = progress
        report.acknowledged = report.number > 0 ? host.acknowledgements(of: report.number) : 0
        return report
    }
    private var progress = GenerationReport()

    package init(
        loop: EventLoop, builder: GenerationBuilder, resolver: Resolver, host: any GenerationHost,
        outliers: OutlierController, log: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.builder = builder
        self.resolver = resolver
        self.host = host
        self.outliers = outliers
        self.log = log
        super.init()
        progress.workers = host.workerCount
    }

    /// Takes in the look that was made before the workers were there.
    package func start(with look: Look) {
        began = loop.now
        causes = ["start"]
        startedAs = look.proxy
        looked(look)
    }

    /// Keeps what is good, and forgets its timer, so that the loop lets go of it.
    package func stop() {
        if keepAt != .max { builder.keepLastGood() }
        loop.deregister(self)
    }

    // MARK: - Causes

    /// Something in the directory changed: a burst becomes one look.
    package func changed() {
        settling.changed(at: loop.now)
        note("files changed")
        arm()
    }

    /// Looks at once (SIGHUP, admin).
    package func reload(cause: String) {
        settling = Settling()
        note(cause)
        if case .idle = stage { begin() } else { settling.changed(at: loop.now) }
    }

    /// A file of a certificate may have changed: when it did, a burst becomes one look.
    package func certificatesChanged() {
        guard !isAskingCertificates else { return mustAskCertificates = true }
        isAskingCertificates = true
        let controller = Unchecked(self)
        builder.haveCertificatesChanged { controller.value.certificatesAnswered($0) }
    }

    private func certificatesAnswered(_ isChanged: Bool) {
        isAskingCertificates = false
        if isChanged {
            settling.changed(at: loop.now)
            note("certificates changed")
            arm()
        }
        guard mustAskCertificates else { return }
        mustAskCertificates = false
        certificatesChanged()
    }

    private func certificatesLooked(_ report: ContextReport) {
        progress.certificates = report
        renewals = report.changes
        certificatesAt = .max
        if let next = report.nextChange {
            let seconds = UInt64(clamping: next - Int64(loop.realtimeMilliseconds / 1000))
            certificatesAt = loop.now + min(seconds, Self.certificatesSecondsMax) * 1000
        }
        // What changed before it was watched is found by one more reading.
        if onCertificateFiles(report.files) { certificatesChanged() }
    }

    private func note(_ cause: String) { if !causes.contains(cause) { causes.append(cause) } }

    package override func onDeadline() {
        let now = loop.now
        askNames()
        if case .resolving(let plan, let contexts, let until) = stage, now >= until || names.isSettled {
            build(plan, contexts)
        }
        guard case .idle = stage else { return arm() }
        if now >= keepAt {
            keepAt = .max
            builder.keepLastGood()
        }
        if now >= certificatesAt {
            certificatesAt = .max
            note("certificates' time")
            begin()
        } else if settling.isOver(at: now) {
            begin()
        } else if let plan, addressesChanged || now >= listenAgainAt {
            note(addressesChanged ? "addresses changed" : "listening again")
            began = now
            build(plan, contexts)
        }
        arm()
    }

    private func arm() {
        var next = UInt64.max
        if case .resolving(_, _, let until) = stage { next = min(next, until) }
        if case .idle = stage {
            next = min(next, settling.deadline ?? .max)
            if addressesChanged { next = min(next, loop.now) }
            next = min(next, listenAgainAt)
            next = min(next, keepAt)
            next = min(next, certificatesAt)
        }
        next = min(next, names.deadline ?? .max)
        if next != .max { loop.arm(self, deadline: next) }
    }

    // MARK: - Steps

    private func begin() {
        stage = .looking
        began = loop.now
        let controller = Unchecked(self)
        builder.look { look in controller.value.looked(look) }
    }

    private func looked(_ look: Look) {
        self.look = look
        progress.looks += 1
        let isSame =
            progress.troubled == look.troubled && progress.failure == look.failure
            && (look.plan == nil || progress.certificates.statuses == look.certificates.statuses)
        let known = Set(progress.diagnostics)
        let news = look.diagnostics.filter { !known.contains($0) }
        progress.resources = look.resources
        progress.troubled = look.troubled
        progress.diagnostics = look.diagnostics
        progress.failure = look.failure
        if look.plan != nil { certificatesLooked(look.certificates) }
        if let old = startedAs, let new = look.proxy {
            progress.awaitsRestart = ProxySelection.restartFields(from: old, to: new)
        }
        for finding in news.prefix(20) where finding.severity != .note { log(finding.description) }
        if news.count > 20 { log("… and \(news.count - 20) more findings; see /generation or outrider check") }
        // The same plan is handed over again when a listener failed: another try.
        guard let plan = look.plan,
            plan != self.plan || !look.contexts.isSame(as: contexts) || !progress.listenerProblems.isEmpty
        else {
            if !isSame || !news.isEmpty || look.failure != nil || !Self.quietCauses.isSuperset(of: causes) {
                log(progress.line(isNew: false, cause: takeCauses()))
            }
            return rest()
        }
        names.keep(NameResolution.names(of: plan))
        askNames()
        if names.isSettled { return build(plan, look.contexts) }
        stage = .resolving(plan, look.contexts, until: loop.now + Self.namesWaitMilliseconds)
        arm()
    }

    private func rest() {
        causes = []
        stage = .idle
        arm()
    }

    private func askNames() {
        let controller = Unchecked(self)
        for name in names.due(at: loop.now) {
            resolver.resolve(name, refresh: true, on: loop) { answer in
                controller.value.answered(name, try? answer.get())
            }
        }
    }

    private func answered(_ name: String, _ addresses: [SocketAddress]?) {
        if names.answered(name, addresses, at: loop.now) { addressesChanged = true }
        if case .resolving(let plan, let contexts, _) = stage, names.isSettled { build(plan, contexts) }
        arm()
    }

    private func build(_ plan: Plan, _ contexts: TLSContexts) {
        stage = .building
        addressesChanged = false
        let controller = Unchecked(self)
        builder.build(plan, after: self.plan, contexts: contexts, addresses: names.addresses) { tables in
            controller.value.publish(tables)
        }
    }

    private func publish(_ tables: Tables) {
        let isFirst = plan == nil
        plan = tables.plan
        contexts = tables.contexts
        clusters = tables.clusters
        progress.number += 1
        progress.appliedMilliseconds = loop.realtimeMilliseconds
        progress.buildMilliseconds = loop.now - min(began, loop.now)
        progress.changes = isFirst ? Self.summary(tables.plan) : tables.difference.text(with: renewals)
        renewals = ""
        progress.cause = takeCauses()
        let number = progress.number
        let builder = builder
        let problems = host.publish(tables, number: number) { builder.retire(tables) }
        // Before any worker's report of them can come to this thread, and after they have them.
        outliers.update(tables.clusters)
        progress.listeners = tables.plan.listeners.count
        retryListeners(after: problems)
        log(progress.line(isNew: true, cause: progress.cause))
        if keepAt == .max { keepAt = loop.now + Self.keepMilliseconds }
        stage = .idle
        causes = []
        arm()
    }

    /// An address that is taken may be given up: it is tried again, ever more seldom.
    private func retryListeners(after problems: [String]) {
        let news = problems.filter { !progress.listenerProblems.contains($0) }
        progress.listenerProblems = problems
        for problem in news { log(problem) }
        guard !problems.isEmpty else {
            listenAgainAt = .max
            listenAgainIn = Self.listenAgainMilliseconds
            return
        }
        listenAgainAt = loop.now + listenAgainIn
        listenAgainIn = min(listenAgainIn * 2, Self.listenAgainMillisecondsMax)
    }

    private func takeCauses() -> String {
        defer { causes = [] }
        return causes.isEmpty ? "files changed" : causes.joined(separator: ", ")
    }

    private static func summary(_ plan: Plan) -> String {
        let places = plan.listeners.map { "\($0.name) on \($0.address)" }
        return "\(plan.clusters.count) clusters, \(plan.listeners.count) listeners"
            + (places.isEmpty ? "" : " (\(places.prefix(8).joined(separator: ", "))\(places.count > 8 ? ", …" : ""))")
    }
}

/// Carries a main-thread object through jobs that end on the main thread again.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
