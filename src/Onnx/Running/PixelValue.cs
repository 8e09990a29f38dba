using Microsoft.ML.OnnxRuntime;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

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

    /// <summary>The size of the network's input: the file's, or the image's where the file leaves it open or holds the pipeline.</summary>
    /// <param name="runtime">The file, open.</param>
    /// <param name="input">The file's input of prepared images, [B, C, H, W]; null where it takes them as they are.</param>
    /// <exception cref="UserErrorException">The image is larger.</exception>
    public static (int Height, int Width) Size(PreparedSample prepared, InferenceSession runtime, string? input, string path)
    {
        var (height, width) = (prepared.Pixels.Height, prepared.Pixels.Width);
        if (input is null)
            return (height, width);
        var sides = runtime.InputMetadata[input].Dimensions; // below 0 where they are open
        var (wantedHeight, wantedWidth) = (sides[2] < 0 ? height : sides[2], sides[3] < 0 ? width : sides[3]);
        return height <= wantedHeight && width <= wantedWidth
            ? (wantedHeight, wantedWidth)
            : throw new UserErrorException(
                $"{prepared.Sample.Name}: the pipeline makes {height} x {width} of it; {path} takes {wantedHeight} x {wantedWidth}. "
                    + "Export the model with the size left open, or for a larger one."
            );
    }

    /// <summary>How much of the network's input is image: height and width, [1, 2].</summary>
    public static OrtValue ContentOf(Sample sample)
    {
        var geometry = sample.Geometry!;
        float[] sides = [geometry.OriginalHeight * geometry.Transform.M22, geometry.OriginalWidth * geometry.Transform.M11];
        return OrtValue.CreateTensorValueFromMemory(sides, [1, 2]);
    }
}
