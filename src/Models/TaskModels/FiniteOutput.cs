using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Whether a network gave numbers: neither a class map nor boxes show that they were made of NaN.</summary>
internal static class FiniteOutput
{
    /// <param name="outputs">Each [B, …], raw: logits, box codes.</param>
    /// <returns>[B], false where one of the image's values is NaN or infinite.</returns>
    public static bool[] OfImages(IEnumerable<Tensor> outputs)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        foreach (var output in outputs)
        {
            var ofOutput = output.detach().flatten(1).sum(1, type: ScalarType.Float32); // anything that is not finite stays so in a sum
            sum = sum is null ? ofOutput : sum + ofOutput;
        }
        return Array.ConvertAll(sum!.cpu().Values<float>(), float.IsFinite);
    }
}
