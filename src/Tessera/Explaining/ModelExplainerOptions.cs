namespace Tessera.Explaining;

/// <summary>How a <see cref="ModelExplainer"/> works.</summary>
public sealed record ModelExplainerOptions
{
    /// <summary>"auto", "cpu", "cuda" or "cuda:N".</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Changes to the checkpoint's config, as of --cfg-options: where the data lies now, another part of it.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Plugins that the checkpoint's model needs: .dll, .csproj or .cs. A checkpoint's own are never loaded.</summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>Told which plugins are built and loaded, with their SHA-256.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Take the averaged weights where the checkpoint has them.</summary>
    public bool Averaged { get; init; } = true;

    /// <summary>Threads that read images ahead.</summary>
    public int Workers { get; init; } = 2;
}
