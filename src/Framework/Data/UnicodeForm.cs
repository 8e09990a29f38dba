namespace Tessera.Framework.Data;

/// <summary>
/// Names written alike: a letter with a mark is one character on most systems, two (letter, then mark) where macOS has named the
/// file. Composing makes them one.
/// </summary>
/// <remarks>
/// Unicode's canonical composition (NFC, UAX 15) for Latin, Greek, Cyrillic, kana and Hangul. The runtime's own
/// (<see cref="string.Normalize()"/>) needs ICU, which isn't everywhere, and does nothing without it.
/// </remarks>
public static class UnicodeForm
{
    private const int FirstSyllable = 0xAC00, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeTail = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28;

    /// <summary>The text with letters and marks composed; the same instance where there is nothing to compose.</summary>
    public static string Compose(string text)
    {
        if (text.All(character => character < '\u0300')) return text;
        var result = new System.Text.StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (result.Length > 0 && Pair(result[^1], character) is { } one) result[^1] = one;
            else result.Append(character);
        }
        return result.Length == text.Length ? text : result.ToString();
    }

    private static char? Pair(char first, char second)
    {
        if (s_composed.TryGetValue((first, second), out var composed)) return composed;
        if (first is >= (char)FirstLead and < (char)(FirstLead + Leads) && second is >= (char)FirstVowel and < (char)(FirstVowel + Vowels))
            return (char)(FirstSyllable + ((first - FirstLead) * Vowels + second - FirstVowel) * Tails);
        var syllable = first - FirstSyllable;
        return syllable is >= 0 and < Leads * Vowels * Tails && syllable % Tails == 0 && second is > (char)BeforeTail and < (char)(BeforeTail + Tails)
            ? (char)(first + second - BeforeTail)
            : null;
    }

    private static Dictionary<(char Letter, char Mark), char> Table()
    {
        var table = new Dictionary<(char, char), char>();
        foreach (var (mark, letters, composed) in s_rows)
            for (var i = 0; i < letters.Length; i++) table.Add((letters[i], mark), composed[i]);
        return table;
    }

    private static readonly (char Mark, string Letters, string Composed)[] s_rows =
    [
        ('\u0300', "AEIOUaeiouÜüNnЕИеиĒēŌōWwÂâĂăÊêÔôƠơƯưYy", "ÀÈÌÒÙàèìòùǛǜǸǹЀЍѐѝḔḕṐṑẀẁẦầẰằỀềỒồỜờỪừỲỳ"), // combining grave accent
        ('\u0300', "ἀἁἈἉἐἑἘἙἠἡἨἩἰἱ", "ἂἃἊἋἒἓἚἛἢἣἪἫἲἳ"), // combining grave accent
        ('\u0300', "ἸἹὀὁὈὉὐὑὙὠὡὨὩαεηιουωΑΕΗ᾿ϊΙ῾ϋΥ¨ΟΩ", "ἺἻὂὃὊὋὒὓὛὢὣὪὫὰὲὴὶὸὺὼᾺῈῊ῍ῒῚ῝ῢῪ῭ῸῺ"), // combining grave accent
        ('\u0301', "AEIOUYaeiouyCcLlNnRrSsZzÜüGgÅåÆæØø¨ΑΕΗ", "ÁÉÍÓÚÝáéíóúýĆćĹĺŃńŔŕŚśŹźǗǘǴǵǺǻǼǽǾǿ΅ΆΈΉ"), // combining acute accent
        ('\u0301', "ΙΟΥΩϊαεηιϋουωϒ", "ΊΌΎΏΐάέήίΰόύώϓ"), // combining acute accent
        ('\u0301', "ГКгкÇçĒēÏïKkMmÕõŌōPpŨũWwÂâĂăÊêÔôƠơƯưἀἁ", "ЃЌѓќḈḉḖḗḮḯḰḱḾḿṌṍṒṓṔṕṸṹẂẃẤấẮắẾếỐốỚớỨứἄἅ"), // combining acute accent
        ('\u0301', "ἈἉἐἑἘἙἠἡἨἩἰἱἸἹ", "ἌἍἔἕἜἝἤἥἬἭἴἵἼἽ"), // combining acute accent
        ('\u0301', "ὀὁὈὉὐὑὙὠὡὨὩ᾿῾", "ὄὅὌὍὔὕὝὤὥὬὭ῎῞"), // combining acute accent
        ('\u0302', "AEIOUaeiouCcGgHhJjSsWwYyZzẠạẸẹỌọ", "ÂÊÎÔÛâêîôûĈĉĜĝĤĥĴĵŜŝŴŵŶŷẐẑẬậỆệỘộ"), // combining circumflex accent
        ('\u0303', "ANOanoIiUuVvÂâĂăEeÊêÔôƠơƯưYy", "ÃÑÕãñõĨĩŨũṼṽẪẫẴẵẼẽỄễỖỗỠỡỮữỸỹ"), // combining tilde
        ('\u0304', "AaEeIiOoUuÜüÄäȦȧÆæǪǫÖöÕõȮȯYyИиУуGgḶḷṚṛαΑιΙυΥ", "ĀāĒēĪīŌōŪūǕǖǞǟǠǡǢǣǬǭȪȫȬȭȰȱȲȳӢӣӮӯḠḡḸḹṜṝᾱᾹῑῙῡῩ"), // combining macron
        ('\u0306', "AaEeGgIiOoUuУИиуЖжАаЕеȨȩẠạαΑιΙυΥ", "ĂăĔĕĞğĬĭŎŏŬŭЎЙйўӁӂӐӑӖӗḜḝẶặᾰᾸῐῘῠῨ"), // combining breve
        ('\u0307', "CcEeGgIZzAaOoBbDdFfHhMmNnPpRrSsŚśŠšṢṣT", "ĊċĖėĠġİŻżȦȧȮȯḂḃḊḋḞḟḢḣṀṁṄṅṖṗṘṙṠṡṤṥṦṧṨṩṪ"), // combining dot above
        ('\u0307', "tWwXxYyſ", "ṫẆẇẊẋẎẏẛ"), // combining dot above
        ('\u0308', "AEIOUaeiouyYΙΥιυϒЕІеіАаӘәЖжЗзИиОоӨөЭэУ", "ÄËÏÖÜäëïöüÿŸΪΫϊϋϔЁЇёїӒӓӚӛӜӝӞӟӤӥӦӧӪӫӬӭӰ"), // combining diaeresis
        ('\u0308', "уЧчЫыHhÕõŪūWwX", "ӱӴӵӸӹḦḧṎṏṺṻẄẅẌ"), // combining diaeresis
        ('\u0308', "xt", "ẍẗ"), // combining diaeresis
        ('\u0309', "AaÂâĂăEeÊêIiOoÔôƠơUuƯưYy", "ẢảẨẩẲẳẺẻỂểỈỉỎỏỔổỞởỦủỬửỶỷ"), // combining hook above
        ('\u030A', "AaUuwy", "ÅåŮůẘẙ"), // combining ring above
        ('\u030B', "OoUuУу", "ŐőŰűӲӳ"), // combining double acute accent
        ('\u030C', "CcDdEeLlNnRrSsTtZzAaIiOoUuÜüGgKkƷʒjHh", "ČčĎďĚěĽľŇňŘřŠšŤťŽžǍǎǏǐǑǒǓǔǙǚǦǧǨǩǮǯǰȞȟ"), // combining caron
        ('\u030F', "AaEeIiOoRrUuѴѵ", "ȀȁȄȅȈȉȌȍȐȑȔȕѶѷ"), // combining double grave accent
        ('\u0311', "AaEeIiOoRrUu", "ȂȃȆȇȊȋȎȏȒȓȖȗ"), // combining inverted breve
        ('\u0313', "αΑεΕηΗιΙοΟυωΩρ", "ἀἈἐἘἠἨἰἸὀὈὐὠὨῤ"), // combining comma above
        ('\u0314', "αΑεΕηΗιΙοΟυΥωΩρΡ", "ἁἉἑἙἡἩἱἹὁὉὑὙὡὩῥῬ"), // combining reversed comma above
        ('\u031B', "OoUu", "ƠơƯư"), // combining horn
        ('\u0323', "BbDdHhKkLlMmNnRrSsTtVvWwZzAaEeIiOoƠơUuƯưYy", "ḄḅḌḍḤḥḲḳḶḷṂṃṆṇṚṛṢṣṬṭṾṿẈẉẒẓẠạẸẹỊịỌọỢợỤụỰựỴỵ"), // combining dot below
        ('\u0324', "Uu", "Ṳṳ"), // combining diaeresis below
        ('\u0325', "Aa", "Ḁḁ"), // combining ring below
        ('\u0326', "SsTt", "ȘșȚț"), // combining comma below
        ('\u0327', "CcGgKkLlNnRrSsTtEeDdHh", "ÇçĢģĶķĻļŅņŖŗŞşŢţȨȩḐḑḨḩ"), // combining cedilla
        ('\u0328', "AaEeIiUuOo", "ĄąĘęĮįŲųǪǫ"), // combining ogonek
        ('\u032D', "DdEeLlNnTtUu", "ḒḓḘḙḼḽṊṋṰṱṶṷ"), // combining circumflex accent below
        ('\u032E', "Hh", "Ḫḫ"), // combining breve below
        ('\u0330', "EeIiUu", "ḚḛḬḭṴṵ"), // combining tilde below
        ('\u0331', "BbDdKkLlNnRrTtZzh", "ḆḇḎḏḴḵḺḻṈṉṞṟṮṯẔẕẖ"), // combining macron below
        ('\u0342', "ἀἁἈἉἠἡἨἩἰἱἸἹὐὑὙὠὡὨὩα¨η᾿ιϊ῾υϋω", "ἆἇἎἏἦἧἮἯἶἷἾἿὖὗὟὦὧὮὯᾶ῁ῆ῏ῖῗ῟ῦῧῶ"), // combining greek perispomeni
        ('\u0345', "ἀἁἂἃἄἅἆἇἈἉἊἋἌἍἎἏἠἡἢἣἤἥἦἧἨἩἪἫἬἭἮἯὠὡὢὣὤὥ", "ᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟᾠᾡᾢᾣᾤᾥ"), // combining greek ypogegrammeni
        ('\u0345', "ὦὧὨὩὪὫὬὭὮὯὰαάᾶ", "ᾦᾧᾨᾩᾪᾫᾬᾭᾮᾯᾲᾳᾴᾷ"), // combining greek ypogegrammeni
        ('\u0345', "ΑὴηήῆΗὼωώῶΩ", "ᾼῂῃῄῇῌῲῳῴῷῼ"), // combining greek ypogegrammeni
        ('\u3099', "かきくけこさしすせそたちつてとはひふへほうゝカキクケコサシスセソタチツテトハ", "がぎぐげござじずぜぞだぢづでどばびぶべぼゔゞガギグゲゴザジズゼゾダヂヅデドバ"), // combining katakana-hiragana voiced sound mark
        ('\u3099', "ヒフヘホウワヰヱヲヽ", "ビブベボヴヷヸヹヺヾ"), // combining katakana-hiragana voiced sound mark
        ('\u309A', "はひふへほハヒフヘホ", "ぱぴぷぺぽパピプペポ"), // combining katakana-hiragana semi-voiced sound mark
    ];

    private static readonly Dictionary<(char Letter, char Mark), char> s_composed = Table(); // after the rows that it is made of
}
