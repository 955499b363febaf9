import ArgumentParser

/// Not there yet.
struct ClustersVerb: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clusters", abstract: "Not yet.")
    @OptionGroup var options: ConfigOptions
    @Flag(help: .hidden) var untilStdinCloses = false
    func run() throws { throw ValidationError("not yet") }
}
