using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>A backbone with the neck behind it, where there is one.</summary>
internal static class NeckedBackbone
{
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>The neck's maps, or the backbone's.</returns>
    public static Tensor[] Maps(this Backbone backbone, Neck? neck, Tensor images)
    {
        var maps = backbone.call(images);
        return neck is null ? maps : neck.call(maps);
    }
}
