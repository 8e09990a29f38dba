using Tessera.Framework.Configuration;

namespace Tessera;

/// <summary>The config that a work dir or a checkpoint carries.</summary>
public static class SavedConfig
{
    /// <summary>As a run is to be trained again from it, in its work dir or elsewhere: nulls that take a hook away which belongs to every
    /// run are kept.</summary>
    /// <param name="folder">Where it will lie.</param>
    public static ConfigDocument ForRun(ConfigDocument config, string folder) =>
        config.ForSaving(folder, [.. DefaultHooks.Unwanted(config).Select(key => $"hooks.{key}")]);

    /// <summary>Without what only training needs, which may ask for components or environment variables that aren't here. What the model
    /// or its data refer to stays.</summary>
    public static ConfigDocument ForModel(ConfigDocument config)
    {
        var evaluates = config.Root["test"] is not null || config.Root["val"] is not null;
        string[] training = ["optimizer", "schedule", "hooks", "distill", "device", "precision", "threads", "work_dir"];
        return config.Without(evaluates ? [.. training, "train"] : training);
    }
}
