import Istio

/// What serves, whatever a directory says at the moment (law 2 of the architecture):
///
/// - a resource that served and is now broken keeps its last good form, marked stale; one that was never good is left out;
/// - a file that does not parse keeps all that it last gave;
/// - what is deleted is deleted;
/// - of the same kind, namespace and name twice, the first by path serves, and the second is an error that names both.
///
/// A machine without I/O: it is fed decoded files, one whole directory at a time.
package struct ResourceStore: Sendable {
    /// One file of a directory, decoded.
    package struct FileContent: Sendable {
        package var path: String
        /// Its text, from which the last good documents are kept on disk.
        package var documents: [YAMLDocument]
        package var decoded: DecodedFile

        package init(path: String, documents: [YAMLDocument] = [], decoded: DecodedFile) {
            self.path = path
            self.documents = documents
            self.decoded = decoded
        }
    }

    /// A good form and the file that gave it.
    package struct Good: Equatable, Sendable {
        package var resource: Resource
        package var path: String

        package init(resource: Resource, path: String) {
            self.resource = resource
            self.path = path
        }
    }

    /// What a look at a directory led to.
    package struct State: Sendable {
        /// What serves: by path, then by place in the file; stale ones stand where their file stands.
        package var resources: [Resource] = []
        /// Everything that does not serve as it is written, sorted by name.
        package var troubled: [ResourceStatus] = []
        /// All findings, sorted by place.
        package var diagnostics: [Diagnostic] = []

        package init() {}
    }

    /// The last good form of everything that is there.
    package private(set) var good: [ResourceID: Good]

    /// - Parameter good: what an earlier process of the same directory had, so that a restart equals a reload.
    package init(good: [ResourceID: Good] = [:]) { self.good = good }

    /// Takes in a directory. `files` are sorted by path. With `isIncomplete`, files that are missing count as unreadable
    /// instead of deleted.
    package mutating func apply(_ files: [FileContent], isIncomplete: Bool = false) -> State {
        var pass = Pass(good: good)
        for file in files { pass.take(file) }
        let paths = Set(files.map(\.path))
        pass.settle(missing: isIncomplete ? { !paths.contains($0) } : { _ in false })
        good = pass.serving
        return pass.state(order: files.map(\.path))
    }
}

/// How a resource that does not serve as it is written fares.
package struct ResourceStatus: Hashable, Sendable {
    package enum Fate: String, Hashable, Sendable {
        /// It serves in its last good form.
        case stale
        /// It does not serve.
        case leftOut = "left out"
        /// Another resource of its name serves.
        case duplicate
    }

    package var id: ResourceID
    package var fate: Fate
    /// Where the form stands that does not serve.
    package var location: SourceLocation
    /// Why, in a sentence.
    package var message: String

    package init(id: ResourceID, fate: Fate, location: SourceLocation, message: String) {
        self.id = id
        self.fate = fate
        self.location = location
        self.message = message
    }
}

// MARK: - One pass over a directory

/// The work of one `apply`: files in, one after another; then what is owed to the past.
private struct Pass {
    let good: [ResourceID: ResourceStore.Good]
    private(set) var serving: [ResourceID: ResourceStore.Good] = [:]
    /// The same, as they came.
    private var inOrder: [ResourceStore.Good] = []
    private var broken: [ResourceID: (location: SourceLocation, message: String)] = [:]
    private var failedFiles: [String: String] = [:]
    private var troubled: [ResourceStatus] = []
    private var diagnostics: [Diagnostic] = []

    init(good: [ResourceID: ResourceStore.Good]) {
        self.good = good
        serving.reserveCapacity(good.count)
        inOrder.reserveCapacity(good.count)
    }

    private mutating func serve(_ form: ResourceStore.Good, as id: ResourceID) {
        serving[id] = form
        inOrder.append(form)
    }

    mutating func take(_ file: ResourceStore.FileContent) {
        diagnostics += file.decoded.diagnostics
        if file.decoded.parseFailed {
            failedFiles[file.path] = message(of: nil, in: file) ?? "the file does not parse"
        }
        for resource in file.decoded.resources { take(resource, from: file) }
        for item in file.decoded.broken where broken[item.id] == nil {
            broken[item.id] = (item.location, message(of: item.id, in: file) ?? "it is broken")
        }
    }

    private mutating func take(_ resource: Resource, from file: ResourceStore.FileContent) {
        let id = resource.id
        if let first = serving[id] { return reject(resource, first: first.resource.location) }
        // A file that does not parse keeps what it last gave: its readable part may be half of an edit.
        if file.decoded.parseFailed, let last = good[id], last.path == file.path {
            serve(last, as: id)
            if last.resource != resource { mark(id, .stale, resource.location, failedFiles[file.path] ?? "") }
            return
        }
        serve(ResourceStore.Good(resource: resource, path: file.path), as: id)
    }

    private mutating func reject(_ resource: Resource, first: SourceLocation) {
        let text = "the same kind, namespace and name is at \(first), which serves"
        diagnostics.append(
            Diagnostic(
                .error, at: resource.location, resource: resource.id.description, text,
                fix: "rename or delete one of the two"))
        mark(resource.id, .duplicate, resource.location, text)
    }

    /// Brings back the last good forms that law 2 keeps, and names what is left out.
    mutating func settle(missing: (String) -> Bool) {
        for (id, last) in good where serving[id] == nil {
            if let trouble = broken[id] {
                serve(last, as: id)
                mark(id, .stale, trouble.location, trouble.message)
            } else if let failure = failedFiles[last.path] {
                serve(last, as: id)
                mark(id, .stale, last.resource.location, failure)
            } else if missing(last.path) {
                serve(last, as: id)
                mark(id, .stale, last.resource.location, "its folder cannot be read")
            }
        }
        for (id, trouble) in broken where good[id] == nil {
            if let other = serving[id] {
                mark(id, .duplicate, trouble.location, "\(trouble.message); \(other.resource.location) serves")
            } else {
                mark(id, .leftOut, trouble.location, trouble.message)
            }
        }
    }

    private mutating func mark(
        _ id: ResourceID, _ fate: ResourceStatus.Fate, _ location: SourceLocation, _ message: String
    ) {
        troubled.append(ResourceStatus(id: id, fate: fate, location: location, message: message))
    }

    /// The first error about a resource in its file; about the file itself for nil.
    private func message(of id: ResourceID?, in file: ResourceStore.FileContent) -> String? {
        let name = id?.description
        return file.decoded.diagnostics.first { $0.severity == .error && $0.resource == name }?.message
            ?? (id == nil ? file.decoded.diagnostics.first { $0.severity == .error }?.message : nil)
    }

    func state(order: [String]) -> ResourceStore.State {
        var ranks: [String: Int] = [:]
        for (rank, path) in order.enumerated() { ranks[path] = rank }
        var state = ResourceStore.State()
        state.resources = sorted(inOrder.map { ($0, rank: ranks[$0.path] ?? .max) })
        state.troubled = troubled.sorted { ($0.id, $0.location) < ($1.id, $1.location) }
        state.diagnostics = diagnostics.sorted {
            ($0.location, $1.severity, $0.message) < ($1.location, $0.severity, $1.message)
        }
        return state
    }

    /// By path, then by place. Files come in this order, so that there is something to sort only where a past form came in.
    private func sorted(_ forms: [(form: ResourceStore.Good, rank: Int)]) -> [Resource] {
        typealias Place = (index: Int, rank: Int, line: Int)
        let places = forms.indices.map { Place($0, forms[$0].rank, forms[$0].form.resource.location.line) }
        func isBefore(_ one: Place, _ other: Place) -> Bool {
            if one.rank != other.rank { return one.rank < other.rank }
            let (form, otherForm) = (forms[one.index].form, forms[other.index].form)
            if form.path != otherForm.path { return form.path < otherForm.path }
            if one.line != other.line { return one.line < other.line }
            return form.resource.id < otherForm.resource.id
        }
        let isSorted = zip(places, places.dropFirst()).allSatisfy { !isBefore($1, $0) }
        return (isSorted ? places : places.sorted(by: isBefore)).map { forms[$0.index].form.resource }
    }
}
