using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Explaining;

/// <summary>Images as their files have them, for pictures.</summary>
internal static class OriginalImage
{
    private static readonly LoadImage s_load = new(new LoadImageOptions());

    /// <returns>8-bit RGB.</returns>
    public static Image Read(ExplainedImage image) => Photograph.Of(s_load.Apply(image.Open(), new RandomSource(0)).Image!.Decode());
}
