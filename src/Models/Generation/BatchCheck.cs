using System.Globalization;
using Tessera.Framework.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <summary>Whether batches are such as a model draws; the range of values is looked at once.</summary>
internal sealed class BatchCheck(string model, (int Channels, int Height, int Width) shape)
{
    private const double Most = 1.01;

    private bool _looked;

    /// <returns>The batch's labels, [B].</returns>
    /// <exception cref="UserErrorException">Its images have another size, lie outside [-1, 1], or have not one class each.</exception>
    public Tensor Labels(Batch batch)
    {
        var found = batch.Images.shape;
        if (found[1] != shape.Channels || found[2] != shape.Height || found[3] != shape.Width)
            throw new UserErrorException(
                $"{model} draws images of {shape.Channels} x {shape.Height} x {shape.Width} (channels, height, width), but those of the "
                    + $"batch have {found[1]} x {found[2]} x {found[3]}. Resize or crop them in the pipeline, or give the model "
                    + "another size."
            );
        if (!_looked)
            CheckRange(batch.Images);
        _looked = true;
        return batch.Labels ?? throw new UserErrorException($"{model} needs one class for each image, which the batches don't have.");
    }

    private void CheckRange(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (low, high) = (images.min().ToDouble(), images.max().ToDouble());
        if (low >= -Most && high <= Most && low < 0)
            return;
        var range = string.Create(CultureInfo.InvariantCulture, $"between {low:0.###} and {high:0.###}");
        throw new UserErrorException(
            $"{model} draws values from -1 to 1, but the first batch's images lie {range}. Normalize them by {{ \"type\": \"Normalize\", "
                + "\"mean\": [127.5], \"std\": [127.5] }."
        );
    }
}
