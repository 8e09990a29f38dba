using Tessera.Framework.Configuration;

namespace Tessera;

/// <summary>The config that a checkpoint carries.</summary>
public static class SavedConfig
{
    /// <summary>Without what only training needs, which may ask for components or environment variables that aren't here. What the model
    /// or its data refer to stays.</summary>
    public static ConfigDocument ForModel(ConfigDocument config)
    {
        var evaluates = config.Root["test"] is not null || config.Root["val"] is not null;
        string[] training = ["optimizer", "schedule", "hooks", "device", "precision", "threads", "work_dir"];
        return config.Without(evaluates ? [.. training, "train"] : training);
    }
}
