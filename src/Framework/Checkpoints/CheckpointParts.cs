namespace Tessera.Framework.Checkpoints;

/// <summary>Names of a checkpoint's parts: a tensor <c>backbone.conv1.weight</c> of the model is stored as
/// <c>model.backbone.conv1.weight</c>.</summary>
public static class CheckpointParts
{
    /// <summary>The model's state dict. Required.</summary>
    public const string Model = "model";

    /// <summary>
    /// Averaged weights under the model's own names. Found at the top (<c>ema.backbone…</c>) or under a hook
    /// (<c>hooks.KEY.ema.backbone…</c>).
    /// </summary>
    public const string Averaged = "ema";

    public const string Optimizers = "optimizers";
    public const string Schedule = "schedule";

    /// <summary>What was trained beside the model to compare it with its teacher.</summary>
    public const string Distillation = "distill";

    public const string Scaler = "scaler";
    public const string Random = "random";
    public const string Loader = "loader";
    public const string Hooks = "hooks";

    /// <summary>What stands before the averaged weights' names, <c>ema.</c> or <c>hooks.KEY.ema.</c>; null where there are none.</summary>
    internal static string? AveragedPrefix(IEnumerable<string> names)
    {
        foreach (var name in names)
            switch (name.Split('.', 4))
            {
                case [Averaged, _, ..]:
                    return Averaged + ".";
                case [Hooks, var key, Averaged, _]:
                    return $"{Hooks}.{key}.{Averaged}.";
            }
        return null;
    }
}
