using Tessera.Framework.Processes;

namespace Tessera;

/// <summary>How a <see cref="Session"/> is opened.</summary>
public sealed record SessionOptions
{
    /// <summary>Changes to a config file: <c>a.b=1</c>, <c>a.list.0=x</c>. Values are JSON, otherwise strings.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>"auto", "cpu", "cuda" or "cuda:N", in place of the config's <c>device</c>.</summary>
    public string? Device { get; init; }

    /// <summary>In place of the config's <c>precision</c>.</summary>
    public Precision? Precision { get; init; }

    /// <summary>Plugins that a checkpoint's model needs: .dll, .csproj or .cs. Those that its config names are never loaded.</summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>
    /// The weights that a config is opened for. Where they are a checkpoint of Tessera's, options that the config leaves out are as the
    /// checkpoint was trained with; any other file changes nothing.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>Of a checkpoint: take the averaged weights where it has them.</summary>
    public bool Averaged { get; init; } = true;

    /// <summary>Told which plugins are built and loaded, with their SHA-256, and what a checkpoint has decided.</summary>
    public Action<string>? Note { get; init; }
}
