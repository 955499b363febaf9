/// What one file may ask of the decoder, so that no file can hold up or bring down the process.
package enum DecodeLimits {
    /// Larger files are refused before they are parsed.
    package static let fileBytesMax = 32 << 20
    /// Nodes of one document after its aliases are followed; an alias bomb ends here.
    package static let documentNodesMax = 500_000
    /// Mappings and lists inside each other.
    package static let depthMax = 64
    /// Aliases in one document.
    package static let aliasesMax = 64
    /// Hosts of one VirtualService: each is compared with all others.
    package static let hostsMax = 4096
    /// Findings told of one file; the rest are counted.
    package static let diagnosticsMax = 500
}
