/// One thing that the proxy does for a request, made ready to be done over and over.
public struct Case {
    /// As in the table of thresholds.
    public let name: String
    /// How often callgrind and the counter of allocations see it done.
    public let iterations: Int
    /// Does it so often.
    public let run: (Int) -> Void

    init(_ name: String, iterations: Int = 1000, run: @escaping (Int) -> Void) {
        self.name = name
        self.iterations = iterations
        self.run = run
    }

    /// All cases, each made when it is its turn.
    public static var all: [() -> Case] { heads + decisions + clusters + records + streams }
}

/// Results go here, so that no work is left out as useless.
nonisolated(unsafe) var sink = 0
