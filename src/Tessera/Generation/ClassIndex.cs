using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Generation;

/// <summary>Classes by their names.</summary>
public static class ClassIndex
{
    /// <param name="name">In any of Unicode's forms.</param>
    /// <param name="classes">The known ones, in index order.</param>
    /// <param name="where">Who asks, for the message.</param>
    /// <exception cref="UserErrorException">There is no such class; the nearest is named.</exception>
    public static int Of(string name, IReadOnlyList<string> classes, string where)
    {
        var wanted = ClassNames.Normalize([name])[0];
        for (var i = 0; i < classes.Count; i++)
            if (classes[i] == wanted)
                return i;
        throw new UserErrorException(
            $"{where}: there is no class \"{name}\".{NearestName.Suggest(name, classes)} The classes are: "
                + string.Join(", ", classes.Take(30))
                + (classes.Count > 30 ? ", …" : ".")
        );
    }
}
