namespace Tessera.Explaining;

/// <summary>How an <see cref="AttentionReader"/> works.</summary>
public sealed record AttentionReaderOptions
{
    /// <summary>"auto", "cpu", "cuda" or "cuda:N".</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Plugins that the checkpoint's model needs: .dll, .csproj or .cs. A checkpoint's own are never loaded.</summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>Told which plugins are built and loaded, with their SHA-256.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Take the averaged weights where the checkpoint has them.</summary>
    public bool Averaged { get; init; } = true;
}
