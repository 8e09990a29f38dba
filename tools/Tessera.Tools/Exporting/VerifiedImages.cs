using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Exporting;

/// <summary>The images on which a file is held against its model.</summary>
/// <param name="given">A file or folder; null: the config's data.</param>
internal sealed class VerifiedImages(Session session, string? given)
{
    private const int Most = 8;

    /// <summary>Samples before any transform, and how each is called.</summary>
    public IReadOnlyList<Func<Sample>> Samples()
    {
        if (given is not null)
            return [.. ImageFiles.Of(given).Take(Most).Select(path => (Func<Sample>)(() => PredictionInput.File(0, path)))];
        Dataset data;
        try
        {
            data = session.Data[session.Options.Test is not null ? DataPart.Test : DataPart.Val];
        }
        catch (UserErrorException e)
        {
            throw new UserErrorException(
                $"The config's data can't be read, so there is nothing to verify on; name images by --images.\n{e.Message}",
                e
            );
        }
        return [.. Enumerable.Range(0, Math.Min(Most, data.Count)).Select(i => (Func<Sample>)(() => data.Open(i, training: false)))];
    }
}
