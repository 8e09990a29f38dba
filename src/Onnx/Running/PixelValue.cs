using Microsoft.ML.OnnxRuntime;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Onnx.Running;

/// <summary>Inputs of a graph besides the normalised image.</summary>
internal static class PixelValue
{
    /// <summary>The image as it is before the pipeline, uint8 [1, H, W, 3].</summary>
    public static OrtValue Of(Sample sample)
    {
        var again = new Sample
        {
            Index = 0,
            Name = sample.Name,
            ReadFile = sample.ReadFile,
            Image = sample.ReadFile is null ? sample.Image : null, // a pipeline changes the sample that it is given
            Geometry = sample.ReadFile is null ? sample.Geometry : null,
        };
        var image = new LoadImage(new LoadImageOptions()).Apply(again, new RandomSource(0)).Image!.Decode();
        return OrtValue.CreateTensorValueFromMemory(image.Bytes, [1, image.Height, image.Width, image.Channels]);
    }

    /// <summary>How much of the network's input is image: height and width, [1, 2].</summary>
    public static OrtValue ContentOf(Sample sample)
    {
        var geometry = sample.Geometry!;
        float[] sides = [geometry.OriginalHeight * geometry.Transform.M22, geometry.OriginalWidth * geometry.Transform.M11];
        return OrtValue.CreateTensorValueFromMemory(sides, [1, 2]);
    }
}
