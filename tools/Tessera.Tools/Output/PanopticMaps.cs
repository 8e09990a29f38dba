using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Predictions;

namespace Tessera.Tools.Output;

/// <summary>Predicted panoptic maps in COCO's format: a JSON file, and a folder of PNGs beside it.</summary>
/// <param name="names">Of all samples that there will be.</param>
internal sealed class PanopticMaps(string file, IReadOnlyCollection<string> names, DataInfo data) : IDisposable
{
    private readonly OutputNames _names = new(names);
    private readonly CocoPanopticWriter _writer = new(file, data);

    public void Write(Sample sample, Prediction prediction) => _writer.Write(sample, prediction, _names[sample.Name]);

    public void Complete() => _writer.Complete();

    public void Dispose() => _writer.Dispose();
}
