using Tessera.Framework.Errors;

namespace Tessera.Tools.Output;

/// <summary>The parts of a config's data, as the command line names them.</summary>
internal static class DataParts
{
    private static readonly string[] s_names = [.. Enum.GetValues<DataPart>().Select(SessionData.NameOf)];

    /// <summary>Every part that a config has.</summary>
    /// <exception cref="UserErrorException">It has none.</exception>
    public static IEnumerable<DataPart> Of(Session session)
    {
        var first = session.Data.FirstPart;
        return Enum.GetValues<DataPart>().Where(part => part >= first && session.Data.Has(part));
    }

    /// <exception cref="UserErrorException">There is no such part.</exception>
    public static DataPart Named(string name) =>
        Array.IndexOf(s_names, name) is >= 0 and var index
            ? (DataPart)index
            : throw new UserErrorException(
                $"\"{name}\" is no part of the data.{NearestName.Suggest(name, s_names)} There are train, val and test."
            );
}
