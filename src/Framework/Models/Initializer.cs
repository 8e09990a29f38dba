using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>Sets a module's weights before training: <c>"init": { "type": "Pretrained", … }</c> in a backbone or a model.</summary>
[ComponentKind("init")]
public abstract class Initializer
{
    /// <param name="module">A backbone or a whole model, built and on the CPU.</param>
    /// <param name="context">What else the weights must agree with.</param>
    public abstract void Initialize(nn.Module module, InitContext context);

    /// <summary>Where the weights came from (file name and SHA-256), once they are set; null where they came from no file.</summary>
    public string? Source { get; protected set; }

    /// <summary>The module's tensors that were set, once they are, by the module's names; none where the initializer doesn't
    /// tell.</summary>
    public IReadOnlyCollection<string> Set { get; protected set; } = [];

    /// <summary>Those of them that hold just what the file does: not resized nor otherwise computed, so that the same file gives the same
    /// values anywhere.</summary>
    public IReadOnlyCollection<string> Exact { get; protected set; } = [];
}

/// <param name="Data">The data's classes; null where there is no data.</param>
/// <param name="BaseFolder">Relative paths are taken from here: the working directory.</param>
/// <param name="Beside">Where a file is looked for by its name alone that isn't at its path: the folder of a checkpoint that needs it;
/// null: nowhere.</param>
public sealed record InitContext(DataInfo? Data = null, string BaseFolder = ".", string? Beside = null);

/// <summary>Runs the initializers of a model and of its backbones.</summary>
public static class ModelInitialization
{
    /// <summary>Backbones first, the model last, so that a whole model's weights win. Call once, before optimizers are made.</summary>
    public static void Apply(VisionModel model, InitContext context)
    {
        foreach (var backbone in model.modules().OfType<Backbone>())
            backbone.Init?.Initialize(backbone, context);
        model.Init?.Initialize(model, context);
    }

    /// <summary>The model's tensors that <see cref="Apply"/> took from files as they are.</summary>
    internal static IReadOnlySet<string> FilledIn(VisionModel model)
    {
        var filled = new HashSet<string>();
        foreach (var (name, backbone) in model.Having<Backbone>())
            filled.UnionWith((backbone.Init?.Exact ?? []).Select(own => $"{name}.{own}"));
        filled.ExceptWith(model.Init?.Set ?? []);
        filled.UnionWith(model.Init?.Exact ?? []);
        return filled;
    }

    /// <summary>The files that <see cref="Apply"/> took weights from, for the checkpoints; null where there was none.</summary>
    public static string? SourceOf(VisionModel model)
    {
        var sources = model
            .modules()
            .OfType<Backbone>()
            .Select(backbone => backbone.Init?.Source)
            .Append(model.Init?.Source)
            .OfType<string>()
            .ToArray();
        return sources.Length == 0 ? null : string.Join("; ", sources);
    }
}
