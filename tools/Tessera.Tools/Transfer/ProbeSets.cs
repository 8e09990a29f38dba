using Tessera.Features;
using static TorchSharp.torch;

namespace Tessera.Tools.Transfer;

/// <summary>Files of features that are used together.</summary>
internal sealed class ProbeSets : IDisposable
{
    private readonly Device _device;
    private readonly List<IDisposable> _opened = [];

    /// <param name="train">The file whose classes are learnt.</param>
    public ProbeSets(string train, Device device)
    {
        _device = device;
        Train = Read(train);
    }

    public FeatureSet Train { get; }

    /// <exception cref="Framework.Errors.UserErrorException">The file was made by another network or other transforms, or is of other
    /// classes.</exception>
    public FeatureSet Open(string path)
    {
        var set = Read(path);
        set.File.RequireAlike(Train.File);
        return set;
    }

    public void Dispose()
    {
        foreach (var opened in _opened)
            opened.Dispose();
    }

    private FeatureSet Read(string path)
    {
        var file = FeatureFile.Open(path);
        _opened.Add(file);
        var set = new FeatureSet(file, _device);
        _opened.Add(set);
        return set;
    }
}
